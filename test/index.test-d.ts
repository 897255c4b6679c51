import type { Observable } from 'rxjs';
import { describe, expectTypeOf, it } from 'vitest';
import {
  custom,
  http,
  stdio,
  webSocket,
  type ConnectionInfo,
  type ConnectionState,
  type HeaderSource,
  type ManagerEvent,
  type ServerOptions,
  type Session,
  type SessionManager,
  type ToolResult,
} from '../src/index.ts';

describe('the public types', () => {
  it('let every option be left out, or undefined', () => {
    expectTypeOf({ healthCheck: { intervalMs: undefined }, lazy: undefined }).toExtend<ServerOptions>();
    expectTypeOf<ConstructorParameters<typeof SessionManager>[0]>().extract<undefined>().toEqualTypeOf<undefined>();
    expectTypeOf(stdio).toBeCallableWith({
      command: 'x',
      args: undefined,
      cwd: undefined,
      env: { A: null, B: undefined },
    });
    expectTypeOf(http).toBeCallableWith({ url: 'x', headers: undefined, mode: undefined, auth: undefined });
    expectTypeOf(webSocket).toBeCallableWith({ url: new URL('ws://x'), headers: undefined });
  });

  it('give observables, never subjects', () => {
    expectTypeOf<SessionManager['events$']>().toEqualTypeOf<Observable<ManagerEvent>>();
    expectTypeOf<Session['state$']>().toEqualTypeOf<Observable<ConnectionState>>();
    expectTypeOf<Session['info$']>().toEqualTypeOf<Observable<ConnectionInfo>>();
  });

  it('make an event known by its type', () => {
    expectTypeOf<Extract<ManagerEvent, { type: 'healthChecked' }>['latencyMs']>().toEqualTypeOf<number | null>();
    expectTypeOf<Extract<ManagerEvent, { type: 'stateChanged' }>['to']>().toEqualTypeOf<ConnectionState>();
    expectTypeOf<ManagerEvent['seq']>().toEqualTypeOf<number>();
  });

  it('take headers as they are or from a function, at once or later', () => {
    expectTypeOf(http).toBeCallableWith({ url: 'x', headers: { a: 'b' } });
    expectTypeOf(http).toBeCallableWith({ url: 'x', headers: () => ({ a: 'b' }) });
    expectTypeOf(webSocket).toBeCallableWith({ url: 'x', headers: () => Promise.resolve({ a: 'b' }) });
    expectTypeOf({ a: 1 }).not.toExtend<HeaderSource>();
    expectTypeOf({ url: 'x', mode: 'ws' }).not.toExtend<Parameters<typeof http>[0]>();
  });

  it('take the transports of the SDK as they are', async () => {
    const { InMemoryTransport } = await import('@modelcontextprotocol/sdk/inMemory.js');
    expectTypeOf(custom).toBeCallableWith(() => new InMemoryTransport());
  });

  it('make a tool result that is not an exception of an error', () => {
    expectTypeOf<ToolResult['isError']>().toEqualTypeOf<boolean | undefined>();
    expectTypeOf<Session['callTool']>().returns.resolves.toEqualTypeOf<ToolResult>();
  });

  it('do not let options through that do not exist', () => {
    expectTypeOf<Parameters<typeof stdio>[0]>().not.toHaveProperty('arguments');
    expectTypeOf<ServerOptions>().not.toHaveProperty('healthChecks');
  });
});
