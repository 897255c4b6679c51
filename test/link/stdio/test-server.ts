import { join } from 'node:path';
import { afterEach, beforeEach, expect } from 'vitest';
import type { Fault } from '../../../src/link/fault.ts';
import type { JsonRpcMessage } from '../../../src/link/stdio/frame-reader.ts';
import { guardian } from '../../../src/link/stdio/guardian.ts';
import { StdioTransport } from '../../../src/link/stdio/stdio-transport.ts';
import type { StdioTransportOptions } from '../../../src/link/stdio/stdio-transport.ts';
import type { StdioTarget } from '../../../src/link/target.ts';
import { eventually } from '../../support/eventually.ts';
import { membersOf, runningChildren } from '../../support/processes.ts';

export const SERVER = join(import.meta.dirname, '..', '..', 'fixtures', 'stdio-server.mjs');

export function targetOf(command: string, args: readonly string[], more: Partial<StdioTarget> = {}): StdioTarget {
  return { kind: 'stdio', command, args, cwd: undefined, env: {}, inheritEnv: true, ...more };
}

/** The fault server, with its faults as on its command line. */
export function faultServer(...args: string[]): StdioTarget {
  return targetOf(process.execPath, [SERVER, ...args]);
}

/** The fault server behind a shell that waits for it, as `npx` and its like do. */
export function behindShell(...args: string[]): StdioTarget {
  return targetOf('/bin/sh', ['-c', '"$0" "$@"; true', process.execPath, SERVER, ...args]);
}

interface ToolResult {
  readonly content: readonly [{ readonly text: string }];
}

const opened: TestServer[] = [];

/** A transport with everything that it told, in order, and a client that is just enough to call tools. */
export class TestServer {
  readonly transport: StdioTransport;
  /** What happened, in order: `message`, `stderr`, `fault`, `close`. */
  readonly events: string[] = [];
  readonly messages: JsonRpcMessage[] = [];
  readonly faults: Fault[] = [];
  readonly stderr: string[] = [];
  readonly closed: Promise<void>;
  closedAt: number | undefined;
  #pgid: number | null = null;
  #lastId = 0;
  readonly #answers = new Map<unknown, (message: JsonRpcMessage) => void>();

  constructor(target: StdioTarget, options: Partial<StdioTransportOptions> = {}) {
    this.transport = new StdioTransport({
      graceMs: 5000,
      ...options,
      target,
      onSpawned: (pid) => {
        this.#pgid = pid;
        options.onSpawned?.(pid);
      },
      onStderr: (line) => {
        this.events.push('stderr');
        this.stderr.push(line);
      },
      onFault: (fault) => {
        this.events.push('fault');
        this.faults.push(fault);
      },
    });
    this.transport.onmessage = (message) => this.receive(message);
    this.closed = new Promise((resolve) => {
      this.transport.onclose = () => {
        this.closedAt = performance.now();
        this.events.push('close');
        resolve();
      };
    });
    opened.push(this);
  }

  /** Id of the process group; stays known after the end. */
  get pgid(): number {
    if (this.#pgid === null) throw new Error('The server has not been spawned.');
    return this.#pgid;
  }

  receive(message: JsonRpcMessage): void {
    this.events.push('message');
    this.messages.push(message);
    this.#answers.get(message['id'])?.(message);
  }

  async start(): Promise<this> {
    await this.transport.start();
    return this;
  }

  /** Starts it and goes through the whole handshake. */
  async connect(): Promise<this> {
    await this.start();
    await this.request('initialize', { protocolVersion: '2025-11-25', capabilities: {} });
    await this.transport.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
    return this;
  }

  /** The answer to a request, whole; never settles if none comes. */
  request(method: string, params: Record<string, unknown> = {}): Promise<JsonRpcMessage> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      this.#answers.set(id, resolve);
      this.transport.send({ jsonrpc: '2.0', id, method, params }).catch(reject);
    });
  }

  /** The text that a tool answered. */
  async call(name: string, args: Record<string, unknown> = {}): Promise<string> {
    const { result } = await this.request('tools/call', { name, arguments: args });
    return (result as ToolResult).content[0].text;
  }

  async pids(): Promise<{ pid: number; grandchild: number | null }> {
    return JSON.parse(await this.call('pid')) as { pid: number; grandchild: number | null };
  }
}

function handles(): string[] {
  return process.getActiveResourcesInfo().filter((name) => name === 'ProcessWrap' || name === 'PipeWrap');
}

/** Ends every server of a test, and then fails it unless no process, handle or listener of ours is left. */
export function leaveNothingBehind(): void {
  let before: { children: number[]; handles: string[]; exitListeners: number };

  beforeEach(() => {
    before = { children: runningChildren(), handles: handles(), exitListeners: process.listenerCount('exit') };
  });

  afterEach(async () => {
    const servers = opened.splice(0);
    await Promise.all(servers.map(({ transport }) => transport.end('kill')));
    for (const server of servers) {
      expect(server.events.filter((event) => event === 'close')).toEqual(['close']);
      expect(server.events.at(-1)).toBe('close');
    }
    const groups = servers.flatMap((server) => (server.transport.exitedAt === undefined ? [] : [server.pgid]));
    expect(groups.flatMap(membersOf)).toEqual([]);
    expect(guardian.pid).toBeNull();
    expect(runningChildren()).toEqual(before.children);
    expect(process.listenerCount('exit')).toBe(before.exitListeners);
    await eventually(() => handles().length <= before.handles.length);
  });
}
