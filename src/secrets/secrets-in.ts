import { looksSecret } from './secret-names.ts';

/** How deep JSON is looked into for secrets, in levels. */
const deepest = 8;

/** Headers that say nothing about who may do what; ids of requests are what logs are searched by. */
const openHeaders: ReadonlySet<string> = new Set([
  'accept-encoding',
  'accept-language',
  'cache-control',
  'traceparent',
  'tracestate',
  'user-agent',
  'x-correlation-id',
  'x-request-id',
]);

/** What is secret in the arguments of a command: `--api-key=…`, `--token …`, `-e NAME=…`, and whatever `secretsInText` finds. */
export function secretsInArgs(args: readonly string[]): readonly string[] {
  return args.flatMap((arg, index) => {
    const before = args[index - 1] ?? '';
    const isValue = /^--?[\w.-]+$/.test(before) && looksSecret(before) && !arg.startsWith('--');
    return isValue ? [...credentialsIn(arg), ...secretsInText(arg)] : secretsInText(arg);
  });
}

/** What is secret in the value of a variable: all of it when the name says so, and whatever `secretsInText` finds. */
export function secretsInVariable(name: string, value: string): readonly string[] {
  return looksSecret(name) ? [...credentialsIn(value), ...secretsInText(value)] : secretsInText(value);
}

/** What is secret in a header: its credentials without their scheme, each cookie, else the whole value. */
export function secretsInHeader(name: string, value: string): readonly string[] {
  const key = name.toLowerCase();
  if (openHeaders.has(key)) return [];
  if (key !== 'cookie') return [...credentialsIn(value), ...secretsInText(value)];
  return value.split(';').map((cookie) => cookie.slice(cookie.indexOf('=') + 1).trim());
}

/**
 * What is secret in a text by its form: passwords in addresses (`scheme://user:password@host`), `name=value` where the name looks like
 * that of a secret (queries, connection strings, arguments), `Name: value` likewise, and the same within JSON.
 */
export function secretsInText(text: string): readonly string[] {
  const header = /^\s*([\w-]+)\s*:\s*(?!\/\/)(\S.*)$/.exec(text);
  return [
    ...passwordsIn(text),
    ...pairsIn(text),
    ...(header !== null && looksSecret(header[1] ?? '') ? credentialsIn(header[2] ?? '') : []),
    ...secretsInJson(text),
  ];
}

/** The token of `Bearer token`, the password in `Basic …`; of anything else the whole. */
function credentialsIn(value: string): readonly string[] {
  const [, scheme, credentials] = /^\s*(bearer|basic|token|apikey|api-key)\s+(\S+)\s*$/i.exec(value) ?? [];
  if (scheme === undefined || credentials === undefined) return [value];
  if (scheme.toLowerCase() !== 'basic') return [credentials];
  const login = Buffer.from(credentials, 'base64').toString();
  return [credentials, login, login.slice(login.indexOf(':') + 1)];
}

function passwordsIn(text: string): readonly string[] {
  return [...text.matchAll(/:\/\/([^\s/?#"']+)@/g)].flatMap(([, login = '']) => {
    const colon = login.indexOf(':');
    // Where there is no password the name is the token, as GitHub has it.
    return spellings(colon === -1 ? login : login.slice(colon + 1));
  });
}

function pairsIn(text: string): readonly string[] {
  if (!text.includes('=')) return [];
  return text.split(/[;&\s]+/).flatMap((piece) => {
    for (let at = piece.indexOf('='); at !== -1; at = piece.indexOf('=', at + 1)) {
      const name = /[\w.-]+$/.exec(piece.slice(0, at))?.[0] ?? '';
      if (looksSecret(name)) return spellings(piece.slice(at + 1).replaceAll(/^["']|["']$/g, ''));
    }
    return [];
  });
}

/** As it is written and as it is meant. */
function spellings(text: string): readonly string[] {
  if (!text.includes('%')) return [text];
  try {
    return [text, decodeURIComponent(text)];
  } catch {
    return [text];
  }
}

function secretsInJson(text: string): readonly string[] {
  if (!/^\s*[[{]/.test(text)) return [];
  try {
    return secretsInData(JSON.parse(text), 0);
  } catch {
    return [];
  }
}

function secretsInData(value: unknown, depth: number): readonly string[] {
  if (typeof value !== 'object' || value === null || depth > deepest) return [];
  return Object.entries(value).flatMap(([name, item]: [string, unknown]) =>
    typeof item === 'string' ? secretsInVariable(name, item) : secretsInData(item, depth + 1),
  );
}
