import { describe, expect, it } from 'vitest';
import { ServerGroup } from '../../src/index.ts';
import { failureOf } from './support.ts';

describe('ServerGroup', () => {
  it('is a primary, its backups and a threshold', () => {
    const backups = ['b', 'c'];
    const group = new ServerGroup('a', backups);
    backups.push('d');
    expect(group).toMatchObject({ primary: 'a', backups: ['b', 'c'], failoverThreshold: 3 });
    expect(group.allServers()).toEqual(['a', 'b', 'c']);
    expect(new ServerGroup('a')).toMatchObject({ primary: 'a', backups: [], failoverThreshold: 3 });
  });

  it('is immutable; another threshold makes another group', () => {
    const group = new ServerGroup('a', ['b']);
    const other = group.withFailoverThreshold(5);
    expect([group.failoverThreshold, other.failoverThreshold]).toEqual([3, 5]);
    expect([other.primary, other.backups]).toEqual(['a', ['b']]);
    expect(Object.isFrozen(group) && Object.isFrozen(group.backups) && Object.isFrozen(other)).toBe(true);
    expect(() => Object.assign(group, { primary: 'x' })).toThrow(TypeError);
    expect(JSON.stringify(other)).toBe('{"primary":"a","backups":["b"],"failoverThreshold":5}');
  });

  it.each([
    ['a', 'b'],
    ['b', 'c'],
    ['c', undefined],
    ['x', undefined],
    ['', undefined],
  ])('after %s comes %s', (current, next) => {
    expect(new ServerGroup('a', ['b', 'c']).nextServer(current)).toBe(next);
  });

  it.each<[string, () => unknown, string]>([
    ['a primary that is no text', () => new ServerGroup(1 as never), 'primary'],
    ['an empty primary', () => new ServerGroup(''), 'primary'],
    ['backups that are no list', () => new ServerGroup('a', 'b' as never), 'backups'],
    ['backups that are null', () => new ServerGroup('a', null as never), 'backups'],
    ['a backup that is no text', () => new ServerGroup('a', ['b', 2 as never]), 'backups[1]'],
    ['a hole among the backups', () => new ServerGroup('a', Array(1)), 'backups[0]'],
    ['an empty backup', () => new ServerGroup('a', ['']), 'backups[0]'],
    ['the primary as a backup', () => new ServerGroup('a', ['b', 'a']), 'backups[1]'],
    ['the same backup twice', () => new ServerGroup('a', ['b', 'b']), 'backups[1]'],
    ['a threshold of 0', () => new ServerGroup('a', [], 0), 'failoverThreshold'],
    ['a threshold of a half', () => new ServerGroup('a').withFailoverThreshold(0.5), 'failoverThreshold'],
    ['no number as a threshold', () => new ServerGroup('a').withFailoverThreshold(Number.NaN), 'failoverThreshold'],
    ['an endless threshold', () => new ServerGroup('a').withFailoverThreshold(Infinity), 'failoverThreshold'],
    ['a text as a threshold', () => new ServerGroup('a').withFailoverThreshold('3' as never), 'failoverThreshold'],
  ])('refuses %s', async (_what, make, field) => {
    expect(await failureOf(make)).toMatchObject({ name: 'InvalidOptionError', code: 'INVALID_OPTION', field });
  });
});
