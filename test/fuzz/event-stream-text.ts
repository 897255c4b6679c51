import fc from 'fast-check';
import { FIRST_ID, messageText } from './rpc-text.ts';

const value = fc.oneof(
  { weight: 3, arbitrary: messageText([FIRST_ID]).filter((text) => text.length < 1_000) },
  { weight: 2, arbitrary: fc.constantFrom('', ' ', 'x', ':', 'zażółć 🙂', '\uFEFF', '\0', 'é', 'a\tb') },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }) },
);
const retry = fc.constantFrom(
  '0',
  '1',
  '-1',
  '1e3',
  '30000',
  '99999999999999999999',
  '999999999999999999999',
  '٣',
  '0x10',
);
const field = fc.oneof(
  { weight: 6, arbitrary: value.map((text) => ['data', text] as const) },
  { weight: 2, arbitrary: value.map((text) => ['id', text] as const) },
  {
    weight: 2,
    arbitrary: fc.constantFrom('message', 'ping', '', ' message', 'endpoint').map((text) => ['event', text] as const),
  },
  { weight: 1, arbitrary: retry.map((text) => ['retry', text] as const) },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom('', 'dat', 'data2', 'Data', ' data', 'retryx', 'ids', '\uFEFFdata'), value),
  },
);
const eol = fc.constantFrom('\n', '\r', '\r\n');
const line = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .tuple(field, fc.constantFrom(':', ': ', ':  ', ' :'))
      .map(([[name, text], colon]) => `${name}${colon}${text}`),
  },
  { weight: 1, arbitrary: fc.constantFrom('data', 'id', 'event', 'retry', ':', ': comment', 'nonsense') },
  { weight: 4, arbitrary: fc.constant('') },
);

/** The bytes of an event stream: fields known and unknown, every way to end a line, mixed. */
export const eventStream = fc
  .tuple(fc.constantFrom('', '', '\uFEFF', '\uFEFF\uFEFF'), fc.array(fc.tuple(line, eol), { maxLength: 14 }))
  .map(([start, lines]) => Buffer.from(start + lines.flat().join('')));
