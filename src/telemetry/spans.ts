import {
  context,
  defaultTextMapSetter,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Tracer,
} from '@opentelemetry/api';
import type { Instrumentation, Operation, OperationObserver, ServerRequest, ServerRequestObserver } from '../index.ts';
import {
  askedAttributes,
  askedBy,
  connectionAttributes,
  failureAttributes,
  failureIn,
  own,
  viaAttributes,
} from './operation-attributes.ts';
import { attribute } from './semconv.ts';

/** What of the trace context goes with each request to a server. */
export type Propagation = 'all' | 'trace' | 'none';

export interface SpanOptions {
  readonly propagation: Propagation;
  readonly content: boolean;
}

/** The keys that the protocol reserves in `_meta`; whatever else a propagator writes has no place there. */
const keys: Readonly<Record<Propagation, readonly string[]>> = {
  all: ['traceparent', 'tracestate', 'baggage'],
  trace: ['traceparent', 'tracestate'],
  none: [],
};

/** A client span for each call, with its context sent along, and a server span for each request of a server. */
export function operationSpans(tracer: Tracer, options: SpanOptions): Instrumentation {
  return {
    beginOperation: (operation) => callSpan(tracer, operation, options),
    beginServerRequest: (request) => questionSpan(tracer, request, options),
  };
}

function callSpan(
  tracer: Tracer,
  operation: Operation,
  { propagation: sent, content }: SpanOptions,
): OperationObserver {
  const asked = askedBy(operation);
  const target = asked.tool ?? asked.prompt;
  const parent = context.active();
  const span = tracer.startSpan(
    target === undefined ? asked.method : `${asked.method} ${target}`,
    {
      kind: SpanKind.CLIENT,
      attributes: {
        ...askedAttributes(asked),
        ...viaAttributes(operation),
        ...(content && contentOfParams(operation)),
      },
    },
    parent,
  );
  const carried = carrier(trace.setSpan(parent, span), sent);
  return {
    attempted: (attempt) => {
      const { generation, serverId, after } = attempt;
      span.setAttributes({ ...connectionAttributes(attempt), [own.generation]: generation });
      if (attempt.attempt > 1) {
        const why = failureAttributes(failureIn({ ok: false, error: after }));
        span.addEvent('holdfast.retry', { [own.server]: serverId, [own.generation]: generation, ...why });
      }
      return carried;
    },
    ended: (end) => {
      span.setAttribute(own.attempts, end.attempts);
      if (content && end.ok && asked.tool !== undefined) {
        span.setAttribute(attribute.toolResult, asText(end.result));
      }
      finish(span, end, content);
    },
  };
}

function questionSpan(tracer: Tracer, request: ServerRequest, { content }: SpanOptions): ServerRequestObserver {
  const { method, params, generation } = request;
  // Whoever opened the connection did not cause the question: it is linked, not the parent.
  const ambient = trace.getSpanContext(context.active());
  const parent = propagation.extract(ROOT_CONTEXT, params?.['_meta'], metaGetter);
  const span = tracer.startSpan(
    method,
    {
      kind: SpanKind.SERVER,
      attributes: { [attribute.method]: method, ...connectionAttributes(request), [own.generation]: generation },
      links: ambient === undefined ? [] : [{ context: ambient }],
    },
    parent,
  );
  const inside = trace.setSpan(parent, span);
  return {
    within: (run) => context.with(inside, run),
    ended: (end) => {
      finish(span, end, content);
    },
  };
}

type End = Parameters<typeof failureIn>[0];

/** A failure shows as its type; its message is a server's text. */
function finish(span: Span, end: End, content: boolean): void {
  const failure = failureIn(end);
  if (failure !== undefined) {
    span.setAttributes(failureAttributes(failure));
    const message = content && !end.ok && end.error instanceof Error ? end.error.message : undefined;
    span.setStatus({ code: SpanStatusCode.ERROR, ...(message !== undefined && { message }) });
  }
  span.end();
}

function carrier(carried: Context, sent: Propagation): Readonly<Record<string, string>> | undefined {
  if (sent === 'none') return undefined;
  const written: Record<string, string> = {};
  propagation.inject(carried, written, defaultTextMapSetter);
  const known = Object.entries(written).filter(([key]) => keys[sent].includes(key));
  return known.length === 0 ? undefined : Object.fromEntries(known);
}

function contentOfParams({ tool, params }: Operation): Attributes {
  const uri = params?.['uri'];
  return {
    ...(tool !== undefined && { [attribute.toolArguments]: asText(params?.['arguments']) }),
    ...(typeof uri === 'string' && { [attribute.resourceUri]: uri }),
  };
}

/** JSON, or nothing for what is none: an argument that cannot be sent fails its call, not the telemetry. */
function asText(value: unknown): string {
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    return '';
  }
}

/** What a server has put into `_meta` may be of any shape. */
const metaGetter = {
  keys: (carried: unknown) => (isRecord(carried) ? Object.keys(carried) : []),
  get: (carried: unknown, key: string) => {
    const value = isRecord(carried) ? carried[key] : undefined;
    return typeof value === 'string' ? value : undefined;
  },
};

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
