import { createHash } from 'node:crypto';

/** What model providers take for the name of a tool. */
const longest = 64;
const digits = 16;

const allowed = /^[A-Za-z0-9_-]+$/u;
const endsInHash = /_[0-9a-f]{16}$/u;
const separator = '__';

/** Room for words before the `_` and the hash. */
const wordsLength = longest - digits - 1;
/** What the owner's id gets of it, when the tool's name could use all of it. */
const ownerLength = 20;

/**
 * The name of a server's or group's tool in a catalog of many: 1 to 64 letters, digits, `_` and `-`. It follows from the two names alone,
 * so that it is the same tomorrow, and whatever else the catalog holds.
 *
 * It is `<owner>__<tool>` where that can be read in one way only. Otherwise it is what the two have in allowed characters, cut short,
 * and a hash of both: two tools have the same one only if 64 bits of SHA-256 are the same.
 */
export function catalogName(ownerId: string, tool: string): string {
  return isPlain(ownerId, tool)
    ? `${ownerId}${separator}${tool}`
    : `${wordsOf(ownerId, tool)}_${hashOf(ownerId, tool)}`;
}

/** Of which owner's which tool a catalog name is; undefined when only a search can tell: a name with a hash, or none at all. */
export function readCatalogName(name: string): { readonly ownerId: string; readonly tool: string } | undefined {
  const at = name.indexOf(separator);
  if (at === -1) return undefined;
  const ownerId = name.slice(0, at);
  const tool = name.slice(at + separator.length);
  return isPlain(ownerId, tool) ? { ownerId, tool } : undefined;
}

function isPlain(ownerId: string, tool: string): boolean {
  const name = `${ownerId}${separator}${tool}`;
  return (
    name.length <= longest &&
    allowed.test(ownerId) &&
    allowed.test(tool) &&
    !ownerId.includes(separator) &&
    !ownerId.endsWith('_') &&
    !endsInHash.test(name)
  );
}

function wordsOf(ownerId: string, tool: string): string {
  const owner = sanitized(ownerId);
  const rest = sanitized(tool);
  const ofOwner = owner.slice(0, Math.max(ownerLength, wordsLength - separator.length - rest.length));
  return `${ofOwner}${separator}${rest.slice(0, wordsLength - separator.length - ofOwner.length)}`;
}

function sanitized(name: string): string {
  return name.replace(/[^A-Za-z0-9_-]+/gu, '_');
}

/** Over UTF-16, in which every text differs from every other; in UTF-8 halves of a surrogate pair do not. */
function hashOf(ownerId: string, tool: string): string {
  return createHash('sha256').update(`${ownerId}\0${tool}`, 'utf16le').digest('hex').slice(0, digits);
}
