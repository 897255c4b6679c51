import { propagation, trace, type TextMapPropagator } from '@opentelemetry/api';

/** The trace context as W3C writes it, its baggage, and a key that the protocol does not reserve. */
export const w3c: TextMapPropagator = {
  inject(context, carrier, setter) {
    const span = trace.getSpanContext(context);
    if (span === undefined) return;
    setter.set(carrier, 'traceparent', `00-${span.traceId}-${span.spanId}-0${span.traceFlags}`);
    const state = span.traceState?.serialize();
    if (state !== undefined) setter.set(carrier, 'tracestate', state);
    const baggage = propagation.getBaggage(context)?.getAllEntries() ?? [];
    if (baggage.length > 0) {
      setter.set(carrier, 'baggage', baggage.map(([key, { value }]) => `${key}=${value}`).join(','));
    }
    setter.set(carrier, 'x-vendor', 'something else');
  },
  extract(context, carrier, getter) {
    const value = getter.get(carrier, 'traceparent');
    const [, traceId, spanId, flags] = /^00-(\w{32})-(\w{16})-0(\d)$/.exec(String(value)) ?? [];
    if (traceId === undefined || spanId === undefined) return context;
    return trace.setSpanContext(context, { traceId, spanId, traceFlags: Number(flags), isRemote: true });
  },
  fields: () => ['traceparent', 'tracestate', 'baggage', 'x-vendor'],
};
