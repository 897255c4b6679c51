import { describe, expect, it } from 'vitest';
import { argumentsOf, fieldsOf } from '../../src/dashboard/browser/call-form.ts';
import { litPaths, nextPaths } from '../../src/dashboard/browser/model-states.ts';
import { begin, change } from '../../src/dashboard/browser/model.ts';
import { sparklinePath } from '../../src/dashboard/browser/sparkline.ts';
import { toldEvent } from '../../src/dashboard/browser/told.ts';
import { diagram } from '../../src/inspect/index.ts';
import type { Changes, Overview } from '../../src/service/index.ts';
import { sessionInfo } from '../cli/session-info.ts';
import { phases } from '../machines/phases.ts';

describe('the states that are lit', () => {
  const drawn = new Set([...diagram('session', 'svg').matchAll(/data-path="([^"]*)"/gu)].map(([, path]) => path));
  it.each(phases)('in %s are states of the drawing', (phase) => {
    for (const circuit of ['closed', 'open', 'halfOpen'] as const)
      for (const onProbation of [true, false])
        expect(litPaths(phase, circuit, onProbation).filter((path) => !drawn.has(path))).toEqual([]);
  });

  it('are those around the state too, and both regions of a connected one', () => {
    expect(litPaths('disconnected.parked.auth', 'closed', false)).toEqual([
      'disconnected',
      'disconnected.parked',
      'disconnected.parked.auth',
    ]);
    expect(litPaths('connected.degraded', 'open', false)).toEqual([
      'connected',
      'connected.health',
      'connected.health.degraded',
      'connected.circuit',
      'connected.circuit.open',
    ]);
    expect([true, false].map((onProbation) => litPaths('connected.healthy', 'closed', onProbation).at(-1))).toEqual([
      'connected.circuit.probation',
      'connected.circuit.normal',
    ]);
  });
});

describe('the states that come next', () => {
  const leadsTo = new Map(
    [...diagram('session', 'svg').matchAll(/data-path="([^"]*)" data-leads-to="([^"]*)"/gu)].map(
      ([, path = '', targets = '']) => [path, targets] as const,
    ),
  );

  it('are those that the present ones and those around them lead to, the innermost of each', () => {
    expect(nextPaths(litPaths('disconnected.backingOff', 'closed', false), leadsTo)).toEqual([
      'connecting.attempt',
      'closed',
    ]);
    expect(nextPaths(litPaths('connected.healthy', 'closed', false), leadsTo)).toEqual([
      'releasing',
      'draining',
      'connected.health.unhealthy',
      'connected.health.degraded',
      'connected.circuit.open',
    ]);
    expect(nextPaths(litPaths('closed', 'closed', false), leadsTo)).toEqual([]);
  });

  it.each(phases)('of %s are states of the drawing', (phase) => {
    const next = nextPaths(litPaths(phase, 'closed', false), leadsTo);
    expect(next.filter((path) => !leadsTo.has(path))).toEqual([]);
  });
});

describe('the picture', () => {
  const overview: Overview = {
    schema: 'holdfast/v1',
    title: 't',
    version: '1',
    pid: 1,
    startedAt: 0,
    now: 1_000,
    seq: 3,
    sessions: [
      sessionInfo('a', { latencyMs: { last: 1, mean: 1 } }),
      sessionInfo('b', { latencyMs: { last: null, mean: null } }),
    ],
    groups: [],
    problems: [],
    stopping: false,
  };
  const none: Changes = { now: 2_000, seq: 4, sessions: [], removedSessions: [], groups: [], removedGroups: [] };
  const problem = { file: 'f', line: 1, column: 1, field: null, serverId: null, problem: 'p', fix: 'x' };

  it('is what was told, laid over what was told before, with the latest latencies', () => {
    let model = begin(overview, null, 400);
    expect([model.aheadMs, model.latencies.get('a'), model.latencies.get('b')]).toEqual([600, [1], undefined]);
    for (const last of [2, 2, 3]) {
      const sessions = [sessionInfo('a', { latencyMs: { last, mean: 1 } })];
      model = change(model, { ...none, sessions, removedSessions: ['b'], problems: [problem] }, 1_500);
    }
    expect(model.latencies.get('a')).toEqual([1, 2, 3]);
    expect([[...model.sessions.keys()], model.aheadMs, model.overview.problems]).toEqual([['a'], 500, [problem]]);
    model = change(model, { ...none, stopping: true }, 2_000);
    expect([model.overview.stopping, model.overview.problems]).toEqual([true, [problem]]);
  });
});

it('a line goes from left to right, the latest at the right end and the most at the top', () => {
  expect(sparklinePath([1], 100, 20, 5)).toBe('');
  expect(sparklinePath([0, 5, 10], 100, 22, 5)).toBe('M50.0 21.0L75.0 11.0L100.0 1.0');
});

describe('the form of a tool', () => {
  const fields = fieldsOf({
    properties: {
      text: { type: 'string', description: 'What to say.' },
      times: { type: 'integer' },
      loud: { type: 'boolean' },
      tone: { enum: ['kind', 'curt'] },
      more: { type: 'object' },
    },
    required: ['text', 'times'],
  });

  it('has a field for each argument', () => {
    expect(fields.map(({ name, kind, isRequired }) => [name, kind, isRequired])).toEqual([
      ['text', 'text', true],
      ['times', 'number', true],
      ['loud', 'flag', false],
      ['tone', 'choice', false],
      ['more', 'json', false],
    ]);
    expect(fieldsOf(undefined)).toEqual([]);
  });

  const read = (texts: Readonly<Record<string, string>>): unknown =>
    argumentsOf(fields, ({ name }) => texts[name] ?? '');

  it('gives the arguments, without those that were left empty', () => {
    expect(read({ text: '', times: '3', loud: 'true', tone: 'kind', more: '{"a":[1]}' })).toEqual({
      text: '',
      times: 3,
      loud: true,
      tone: 'kind',
      more: { a: [1] },
    });
    expect(read({ text: 'x', times: '0' })).toEqual({ text: 'x', times: 0 });
  });

  it('says what is wrong', () => {
    expect(() => read({ text: 'x' })).toThrow('times is required.');
    expect(() => read({ text: 'x', times: 'three' })).toThrow('times must be a number.');
    expect(() => read({ text: 'x', times: '1', more: '{' })).toThrow('more must be JSON.');
  });
});

it('checks that went well are no news, the rest is told in words', () => {
  const stamp = { seq: 1, at: 0, serverId: 'a', generation: 1 } as const;
  expect(toldEvent({ ...stamp, type: 'healthTicked' })).toBeUndefined();
  expect(
    toldEvent({ ...stamp, type: 'healthChecked', ok: true, latencyMs: 1, void: false, error: null }),
  ).toBeUndefined();
  expect(toldEvent({ ...stamp, type: 'reconnectScheduled', attempt: 2, delayMs: 1500, attemptAt: 1500 })).toBe(
    'tries again in 1.5 s (attempt 2)',
  );
  expect(toldEvent({ ...stamp, type: 'linkLeaked' })).toBe('link leaked');
});
