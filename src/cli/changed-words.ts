import type { Applied, ApplyReport } from '../index.ts';
import { shownId } from './terminal-text.ts';

/** The ids of what was changed, by what was done. */
export interface ChangedIds {
  readonly added: readonly string[];
  readonly replaced: readonly string[];
  readonly removed: readonly string[];
  readonly refused: readonly string[];
}

export function changedIds(applied: readonly Applied[]): ChangedIds {
  const idsOf = (wanted: Applied['change']): readonly string[] =>
    applied.filter(({ change }) => change === wanted).map(({ id }) => id);
  return {
    added: idsOf('added'),
    replaced: idsOf('replaced'),
    removed: idsOf('removed'),
    refused: idsOf('refused'),
  };
}

/** What an edit did, in a few words: `added files, restarted web`. */
export function changedWords({ servers, groups }: ApplyReport): string {
  const words = (ids: ChangedIds, again: string, of: string): readonly string[] =>
    [
      ['added', ids.added],
      [again, ids.replaced],
      ['removed', ids.removed],
      ['left out', ids.refused],
    ].flatMap(([what, list]) =>
      Array.isArray(list) && list.length > 0 ? [`${String(what)} ${of}${list.map(shownId).join(', ')}`] : [],
    );
  const parts = [...words(changedIds(servers), 'restarted', ''), ...words(changedIds(groups), 'changed', 'the group ')];
  return parts.length === 0 ? 'nothing to do' : parts.join('; ');
}
