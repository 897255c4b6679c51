import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import type { Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { deleteCookie, setCookie } from 'hono/cookie';
import type { Caller, SessionManager } from '../index.ts';
import type { Access, Claim, Objection } from '../listening/access.ts';
import { readCall } from './call-request.ts';
import type { EventStream } from './event-stream.ts';
import { refusal, refusalOf } from './refusals.ts';
import type { Refused } from './refusals.ts';
import type { CallAnswer, Charts, GroupDetail, Overview, SessionDetail, ToolList, LogPage } from './wire.ts';

/** The most that a request may hold, in bytes. */
const MAX_BODY_BYTES = 1024 * 1024;

/** A file of the dashboard. */
export interface Asset {
  /** Its media type. */
  readonly type: string;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** What is known of what was logged. */
export interface LogSource {
  /** The lines after this number; `id`: of this server or group only. */
  since(after: number, id: string | undefined): Omit<LogPage, 'schema'>;
}

/** What the service answers from. */
export interface ServiceWorld {
  readonly manager: SessionManager;
  readonly access: Access;
  readonly stream: EventStream;
  readonly overview: () => Overview;
  readonly isReady: () => boolean;
  readonly asset: ((path: string) => Promise<Asset | undefined>) | undefined;
  readonly charts: (() => Omit<Charts, 'schema'>) | undefined;
  readonly metrics: (() => Promise<string>) | undefined;
  readonly logs: LogSource | undefined;
  readonly tellBug: (error: unknown) => void;
}

type Env = { Bindings: Partial<HttpBindings> };

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The status API, the event stream and the dashboard. Nothing of it can add a server, or change how one is started. */
export function serviceApp(world: ServiceWorld): Hono<Env> {
  const { manager, access } = world;
  const app = new Hono<Env>();

  app.use(async (c, next) => {
    const objection = access.objectionToPlace(claimOf(c));
    if (objection !== null) return answer(c, refused(objection));
    await next();
    c.header('x-content-type-options', 'nosniff');
    c.header('referrer-policy', 'no-referrer');
    c.header('content-security-policy', policy);
    c.header('cross-origin-resource-policy', 'same-origin');
    c.header('cross-origin-opener-policy', 'same-origin');
    if (c.res.headers.get('cache-control') === null) c.header('cache-control', 'no-store');
  });
  app.use(
    bodyLimit({
      maxSize: MAX_BODY_BYTES,
      onError: (c) => answer(c, refusal(413, 'TOO_LARGE', `A request may hold ${MAX_BODY_BYTES} bytes.`)),
    }),
  );

  app.get('/livez', (c) => c.body(null, 200));
  app.get('/readyz', (c) => c.body(null, world.isReady() ? 200 : 503));
  app.get('/', (c) => file(c, 'page.html'));
  app.get('/assets/*', (c) => file(c, c.req.path.slice('/assets/'.length)));
  app.post('/login', async (c) => {
    const body = await json(c);
    if (body === undefined) return answer(c, notJson);
    const token = typeof body === 'object' && body !== null && 'token' in body ? body.token : undefined;
    if (typeof token !== 'string' || !access.isToken(token)) {
      return answer(c, refusal(401, 'UNAUTHORIZED', 'The token is wrong.'));
    }
    setCookie(c, access.cookieName, access.sessionId, { httpOnly: true, sameSite: 'Strict', path: '/' });
    return c.body(null, 204);
  });

  const known = async (c: Context<Env>, next: () => Promise<void>): Promise<Response | undefined> => {
    const objection = access.objectionToPerson(claimOf(c));
    if (objection !== null) {
      c.header('www-authenticate', 'Bearer');
      return answer(c, refused(objection));
    }
    await next();
    return undefined;
  };
  app.use('/api/*', known);
  app.use('/metrics', known);
  app.use('/logout', known);

  app.post('/logout', (c) => {
    deleteCookie(c, access.cookieName, { path: '/' });
    return c.body(null, 204);
  });
  app.get('/api/sessions', (c) => c.json(world.overview()));
  app.get('/api/sessions/:id', (c) => {
    const { info: session, catalog } = manager.session(c.req.param('id'));
    const tools = catalog.tools.map(({ tool }) => tool);
    const toolsStale = catalog.stale || catalog.truncated;
    return c.json({ schema: 'holdfast/v1', session, tools, toolsStale } satisfies SessionDetail);
  });
  app.get('/api/groups/:id', (c) => {
    const group = manager.group(c.req.param('id')).info;
    return c.json({ schema: 'holdfast/v1', group } satisfies GroupDetail);
  });
  app.get('/api/tools', (c) => {
    const { tools, complete } = manager.catalog;
    return c.json({ schema: 'holdfast/v1', complete, tools } satisfies ToolList);
  });
  app.get('/api/charts', (c) =>
    world.charts === undefined
      ? answer(c, notThere)
      : c.json({ schema: 'holdfast/v1', ...world.charts() } satisfies Charts),
  );
  app.get('/api/logs', (c) => {
    const { after = '0', id } = c.req.query();
    if (world.logs === undefined) return answer(c, notThere);
    if (!/^\d{1,15}$/u.test(after)) return answer(c, refusal(400, 'BAD_REQUEST', '"after" must be a whole number.'));
    return c.json({ schema: 'holdfast/v1', ...world.logs.since(Number(after), id) } satisfies LogPage);
  });
  app.get('/metrics', async (c) =>
    world.metrics === undefined
      ? answer(c, notThere)
      : c.text(await world.metrics(), 200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }),
  );
  app.get('/api/events', (c) => {
    const { outgoing } = c.env;
    if (outgoing === undefined) return answer(c, notThere);
    if (world.stream.isFull) {
      c.header('retry-after', '5');
      return answer(c, refusal(503, 'TOO_MANY_READERS', 'There are as many readers of events as there may be.'));
    }
    world.stream.serve(outgoing);
    return RESPONSE_ALREADY_SENT;
  });
  app.post('/api/sessions/:id/call', (c) => call(c, () => manager.session(c.req.param('id'))));
  app.post('/api/groups/:id/call', (c) => call(c, () => manager.group(c.req.param('id'))));
  app.post('/api/sessions/:id/reconnect', (c) =>
    act(c, () => {
      manager.session(c.req.param('id')).reconnect('asked for over the status API');
    }),
  );
  app.post('/api/sessions/:id/reset-circuit', (c) =>
    act(c, () => {
      manager.session(c.req.param('id')).resetCircuit();
    }),
  );
  app.post('/api/groups/:id/fail-over', (c) =>
    act(c, () => {
      manager.group(c.req.param('id')).failOver('asked for over the status API');
    }),
  );
  app.post('/api/groups/:id/fail-back', (c) =>
    act(c, () => {
      manager.group(c.req.param('id')).failBack();
    }),
  );
  app.notFound((c) => answer(c, notThere));
  app.onError((error, c) => {
    const said = refusalOf(error);
    if (said.status === 500) world.tellBug(error);
    return answer(c, said);
  });
  return app;

  async function file(c: Context<Env>, path: string): Promise<Response> {
    const asset = await world.asset?.(path);
    return asset === undefined
      ? answer(c, notThere)
      : c.body(asset.body, 200, { 'content-type': asset.type, 'cache-control': 'no-cache' });
  }

  async function call(c: Context<Env>, find: () => Caller): Promise<Response> {
    const body = await json(c);
    if (body === undefined) return answer(c, notJson);
    const read = readCall(body);
    if ('problem' in read) return answer(c, refusal(400, 'BAD_REQUEST', read.problem));
    const caller = find();
    const { tool, arguments: args, timeoutMs } = read.call;
    let served = { serverId: caller.id, generation: 0, attempts: 1 };
    const began = performance.now();
    const result = await caller.callTool(tool, args, {
      signal: c.req.raw.signal,
      onServed: (by) => {
        served = by;
      },
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    });
    const durationMs = Math.round((performance.now() - began) * 10) / 10;
    return c.json({ schema: 'holdfast/v1', result, served, durationMs } satisfies CallAnswer);
  }

  /** What comes of it shows in the event stream. */
  function act(c: Context<Env>, run: () => void): Response {
    run();
    return c.json({ schema: 'holdfast/v1' }, 202);
  }
}

const notThere = refusal(404, 'NOT_FOUND', 'There is nothing at this address.');
const notJson = refusal(415, 'NOT_JSON', 'Send JSON, with the content type application/json.');

function claimOf({ req }: Context<Env>): Claim {
  return {
    host: req.header('host'),
    origin: req.header('origin'),
    fetchSite: req.header('sec-fetch-site'),
    authorization: req.header('authorization'),
    cookie: req.header('cookie'),
  };
}

function refused({ status, code, message }: NonNullable<Objection>): Refused {
  return refusal(status, code, message);
}

/** 499 says that nobody waits for the answer; Hono knows no name for it. */
function answer(c: Context<Env>, { status, body }: Refused): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { ...Object.fromEntries(c.res.headers), 'content-type': 'application/json' },
  });
}

async function json(c: Context<Env>): Promise<unknown> {
  if (!/^application\/json\b/i.test(c.req.header('content-type') ?? '')) return undefined;
  try {
    return await c.req.json<unknown>();
  } catch {
    return undefined; // Not JSON, which is what the answer says.
  }
}
