import { expandedIn } from '../config/expanded-values.ts';
import type { HeaderSource, LinkTarget } from '../link/target.ts';
import { RecentSecrets } from '../secrets/recent-secrets.ts';
import { saysWhere } from '../secrets/secret-names.ts';
import type { SecretRegistry } from '../secrets/secret-registry.ts';
import { secretsInArgs, secretsInHeader, secretsInText, secretsInVariable } from '../secrets/secrets-in.ts';
import type { LinkSecrets } from './scrubbed-link.ts';

/** The secrets of one server, registered from when it is added until they are released. */
export interface ServerSecrets extends LinkSecrets {
  /** The target as it is to be dialled, where what its functions give has to be registered before it is sent. */
  readonly target?: LinkTarget | undefined;
  /** Nothing of this server is shown any more. Repeats do nothing. */
  release(): void;
}

/** Registers what is secret in a target: what can be seen in it now, and whatever its functions give later. */
export function holdSecrets(target: LinkTarget, registry: SecretRegistry): ServerSecrets {
  const releases = secretsOf(target).map((secret) => registry.register(secret));
  const recent = givesSecrets(target) ? new RecentSecrets(registry) : undefined;
  if (releases.length === 0 && recent === undefined) return noneIn(registry);
  return {
    target: recent === undefined ? undefined : noting(target, recent),
    registry,
    growing: recent !== undefined,
    release: () => {
      for (const release of releases) release();
      recent?.release();
    },
  };
}

const none = new WeakMap<SecretRegistry, ServerSecrets>();

/** The same for all servers without secrets: ten thousand of them would be megabytes. */
function noneIn(registry: SecretRegistry): ServerSecrets {
  let secrets = none.get(registry);
  if (secrets === undefined) {
    secrets = { registry, growing: false, release: nothing };
    none.set(registry, secrets);
  }
  return secrets;
}

function secretsOf(target: LinkTarget): readonly string[] {
  switch (target.kind) {
    case 'stdio':
      return [
        ...secretsInArgs(target.args),
        ...Object.entries(target.env).flatMap(([name, value]) => secretsInVariable(name, value ?? '')),
        ...secretsFromOutside(target.env),
      ];
    case 'http':
    case 'webSocket':
      return [
        ...secretsInText(target.url),
        ...(typeof target.headers === 'function' ? [] : secretsInHeaders(target.headers)),
        ...secretsFromOutside(target.headers),
      ];
    case 'custom':
    case 'once':
      return [];
  }
}

/** A value from the environment or an input, unless its name says that it is a place or a kind of something. */
function secretsFromOutside(holder: object): readonly string[] {
  return expandedIn(holder).flatMap(({ name, value }) => [
    ...(saysWhere(name) ? [] : [value]),
    ...secretsInVariable(name, value),
  ]);
}

function givesSecrets(target: LinkTarget): boolean {
  if (target.kind === 'http') return typeof target.headers === 'function' || target.auth !== undefined;
  return target.kind === 'webSocket' && typeof target.headers === 'function';
}

function noting(target: LinkTarget, recent: RecentSecrets): LinkTarget {
  switch (target.kind) {
    case 'http':
      return { ...target, headers: notingHeaders(target.headers, recent), onToken: (token) => note(token, recent) };
    case 'webSocket':
      return { ...target, headers: notingHeaders(target.headers, recent) };
    case 'stdio':
    case 'custom':
    case 'once':
      return target;
  }
}

function notingHeaders(source: HeaderSource, recent: RecentSecrets): HeaderSource {
  if (typeof source !== 'function') return source;
  return () => {
    const given = source();
    if (isThenable(given)) {
      return Promise.resolve(given).then((headers) => {
        noteHeaders(headers, recent);
        return headers;
      });
    }
    noteHeaders(given, recent);
    return given;
  };
}

function isThenable<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

/** What the caller's function gave may be anything at all; what is no header is for the link to refuse. */
function noteHeaders(headers: unknown, recent: RecentSecrets): void {
  if (typeof headers !== 'object' || headers === null) return;
  try {
    for (const [name, value] of Object.entries(headers)) note(value, recent, (text) => secretsInHeader(name, text));
  } catch {
    // A getter that throws: the link reads it too, and says so.
  }
}

function note(value: unknown, recent: RecentSecrets, secretsIn?: (value: string) => readonly string[]): void {
  if (typeof value === 'string') recent.note(value, secretsIn);
}

function secretsInHeaders(headers: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(headers).flatMap(([name, value]) => secretsInHeader(name, value));
}

function nothing(): void {}
