/** Each is distinctive, and some are spelt differently in every encoding. */
export const canaries = {
  env: 'canary-env/1 "quoted"+é',
  flag: 'canary-flag/2=+x',
  argument: 'canary-argument/3',
  password: 'canary-password-4',
  expanded: 'canary-expanded/5 ?',
  header: 'canary-header/6=',
  bearer: 'canary-bearer-7',
  asked: 'canary-asked/8',
  token: 'canary-token-9',
  query: 'canary-query/0',
};

/** Given to the same servers, and to nobody as a secret: the proof that what they say would be seen. */
export const control = 'control-7d1f';

/** Independent of how holdfast looks for them. */
export const spellings: readonly ((text: string) => string)[] = [
  (text) => text,
  (text) => encodeURIComponent(text),
  (text) => JSON.stringify(text).slice(1, -1),
  (text) => Buffer.from(text).toString('base64').replaceAll('=', ''),
  (text) => Buffer.from(`user:${text}`).toString('base64').replaceAll('=', ''),
];

/** Which of them are in a text, in whatever spelling. */
export function canariesIn(text: string): readonly string[] {
  return Object.entries(canaries).flatMap(([name, canary]) =>
    spellings.map((spell) => spell(canary)).flatMap((spelt) => (text.includes(spelt) ? [`${name}: ${spelt}`] : [])),
  );
}
