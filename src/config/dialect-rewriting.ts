import type { JsonMember, JsonObject, JsonValue, Place } from './document-value.ts';

/** How the entry of a server in another host's words becomes one in ours. What it says keeps its place in the text. */
export type Rewrite = (members: readonly JsonMember[]) => readonly JsonMember[];

/** The steps one after the other. */
export const inTurn =
  (...steps: readonly Rewrite[]): Rewrite =>
  (members) =>
    steps.reduce((rewritten, step) => step(rewritten), members);

/** The same members under other names. */
export function renamed(names: Readonly<Record<string, string>>): Rewrite {
  return (members) =>
    members.map((member) =>
      Object.hasOwn(names, member.name) ? { ...member, name: names[member.name] ?? '' } : member,
    );
}

/** The members of the object under this name, in its place: what the entry itself says stands. */
export function unwrapped(name: string): Rewrite {
  return (members) => {
    const inner = members.find((member) => member.name === name)?.value;
    if (inner?.type !== 'object') return members;
    const own = members.filter((member) => member.name !== name);
    const names = new Set(own.map((member) => member.name));
    return [...own, ...inner.members.filter((member) => !names.has(member.name))];
  };
}

/** Every text of the entry, changed. */
export function withTexts(change: (text: string) => string): Rewrite {
  return (members) => members.map((member) => ({ ...member, value: changed(member.value, change) }));
}

function changed(value: JsonValue, change: (text: string) => string): JsonValue {
  switch (value.type) {
    case 'string':
      return { ...value, text: change(value.text) };
    case 'array':
      return { ...value, items: value.items.map((item) => changed(item, change)) };
    case 'object':
      return {
        ...value,
        members: value.members.map((member) => ({ ...member, value: changed(member.value, change) })),
      };
    default:
      return value;
  }
}

/** An address without a `type` is one of SSE. */
export const sseWithoutType: Rewrite = (members) => {
  const address = members.find(({ name }) => name === 'url');
  if (address === undefined || members.some(({ name }) => name === 'type')) return members;
  return [...members, { ...address, name: 'type', value: text(address, 'sse') }];
};

/** Codex names the environment variables that headers and the environment are taken from. */
export const codexVariables: Rewrite = (members) => {
  const headers: JsonMember[] = [];
  const env: JsonMember[] = [];
  const others: JsonMember[] = [];
  for (const member of members) {
    const { name, value } = member;
    if (name === 'bearer_token_env_var' && value.type === 'string')
      headers.push({ ...member, name: 'Authorization', value: text(value, `Bearer \${env:${value.text}}`) });
    else if (name === 'env_http_headers' && value.type === 'object')
      headers.push(
        ...value.members.map((each) => ({ ...each, value: changed(each.value, (from) => `\${env:${from}}`) })),
      );
    else if (name === 'http_headers' && value.type === 'object') headers.push(...value.members);
    else if (name === 'env_vars' && value.type === 'array')
      env.push(
        ...value.items.flatMap((item) =>
          item.type === 'string' ? [{ ...item, name: item.text, value: text(item, `\${env:${item.text}}`) }] : [],
        ),
      );
    else if (name === 'env' && value.type === 'object') env.push(...value.members);
    else others.push(member);
  }
  return [...others, ...gathered('headers', headers), ...gathered('env', env)];
};

function gathered(name: string, members: readonly JsonMember[]): readonly JsonMember[] {
  const [first] = members;
  if (first === undefined) return [];
  const value: JsonObject = { type: 'object', at: first.at, path: first.path, members };
  return [{ name, at: first.at, path: first.path, value }];
}

function text({ at, path }: Place, written: string): JsonValue {
  return { type: 'string', at, path, text: written };
}
