/** The shortest text that is taken for a secret: a shorter one occurs everywhere by chance. */
const shortestSecret = 6;

/** Digits alone are looked for from this length on: shorter ones are times, ports and sizes. */
const shortestNumber = 8;

/** Values that anybody may read, and that messages are full of. */
const ordinaryWords: ReadonlySet<string> = new Set([
  'anonymous',
  'application/json',
  'bearer',
  'default',
  'development',
  'disabled',
  'enabled',
  'localhost',
  'no-cache',
  'oauth2',
  'optional',
  'password',
  'production',
  'required',
  'secret',
  'staging',
  'text/plain',
  'undefined',
  'unknown',
  'verbose',
  'warning',
  '127.0.0.1',
]);

/** True for a text that cannot be looked for without blotting out what has nothing to do with it. */
function isOrdinary(text: string): boolean {
  if (text.length < shortestSecret) return true;
  if (/^\d+$/.test(text)) return text.length < shortestNumber;
  return ordinaryWords.has(text.toLowerCase());
}

/**
 * Every spelling in which a secret may turn up: as it is, trimmed, each of its lines, URL-encoded, escaped in JSON (also in JSON
 * within JSON), and in base64, alone or with anything around it, as in `user:secret`. Empty for a value that is too ordinary.
 */
export function formsOf(value: string): readonly string[] {
  const forms = new Set<string>();
  for (const text of [value, value.trim(), ...linesOf(value)]) {
    if (isOrdinary(text)) continue;
    for (const form of [text, ...inUrls(text), ...inJson(text), ...inBase64(text)]) {
      if (form.length >= shortestSecret) forms.add(form);
    }
  }
  return [...forms];
}

/** A key in PEM is shown line by line, as everything is that a process writes. */
function linesOf(value: string): readonly string[] {
  if (!/[\r\n]/.test(value)) return [];
  return value
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => !line.startsWith('-----'));
}

function inUrls(text: string): readonly string[] {
  const form = new URLSearchParams([['', text]]).toString().slice(1);
  const encoded = [form, ...orNone(() => encodeURIComponent(text)), ...orNone(() => encodeURI(text))];
  return encoded.flatMap((url) => [url, url.replace(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase())]);
}

/** Half a surrogate pair has no URL encoding. */
function orNone(encode: () => string): readonly string[] {
  try {
    return [encode()];
  } catch {
    return [];
  }
}

function inJson(text: string): readonly string[] {
  const once = JSON.stringify(text).slice(1, -1);
  return [once, JSON.stringify(once).slice(1, -1)];
}

/**
 * Three bytes are four characters, so that a text has three spellings within a longer one, by where it begins. What is common to all
 * texts around it is the characters that hold its bits alone.
 */
function inBase64(text: string): readonly string[] {
  const bytes = Buffer.from(text);
  const whole = bytes.toString('base64');
  const within = [0, 1, 2].map((shift) => {
    const shifted = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64');
    return shifted.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + bytes.length) * 8) / 6));
  });
  return [whole, ...within].flatMap((form) => [form, form.replaceAll('+', '-').replaceAll('/', '_')]);
}
