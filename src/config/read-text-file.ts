import { readFile } from 'node:fs/promises';

/** Reads a whole file as UTF-8 text; rejects for a file that is not UTF-8. */
export async function readTextFile(path: string): Promise<string> {
  return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path));
}

/** The `code` of a Node error, or undefined. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** Why a file could not be read, as the end of a sentence, and what to do. */
export function describeReadError(error: unknown): { readonly problem: string; readonly fix: string } {
  const code = errorCode(error);
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return { problem: 'does not exist', fix: 'check the path, or create it' };
    case 'EACCES':
    case 'EPERM':
      return { problem: 'may not be read by this user', fix: 'give this user the permission to read it' };
    case 'EISDIR':
      return { problem: 'is a folder', fix: 'name a file in it' };
    case 'ERR_ENCODING_INVALID_ENCODED_DATA':
      return { problem: 'is not UTF-8 text', fix: 'save it as UTF-8' };
    default:
      return {
        problem: code === undefined ? 'could not be read' : `could not be read (${code})`,
        fix: 'check the path and the disk',
      };
  }
}
