import fc from 'fast-check';
import { FIRST_ID, messageText } from './rpc-text.ts';

const id = fc.constantFrom(
  '1',
  'e-7',
  '',
  '0',
  ' ',
  '\t',
  ' a ',
  'ż',
  'é',
  '🙂',
  '\0',
  'a\0b',
  'x'.repeat(4_096),
  'x'.repeat(4_097),
  '__proto__',
  'a:b',
  '"',
  '\u007f',
  '\u0001',
);
/** None that is right asks for a wait: that is real time. */
const retry = fc.constantFrom('0', '1', '-1', '1e3', '0x10', '٣', '999999999999999999999', ' ', '1.5', '3 0');

/** One part of an event stream as servers send it that lets it be taken up again: ids and delays, right and wrong, among messages. */
export const streamLeg = fc
  .array(
    fc.oneof(
      {
        weight: 4,
        arbitrary: messageText([FIRST_ID])
          .filter((text) => text.length < 2_000)
          .map((text) => `data: ${text}\n\n`),
      },
      { weight: 4, arbitrary: id.map((text) => `id: ${text}\n`) },
      { weight: 1, arbitrary: id.map((text) => `id:${text}\n\n`) },
      { weight: 2, arbitrary: retry.map((text) => `retry: ${text}\n`) },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          ': still here\n',
          '\n',
          '\r\n\r\n',
          'id\n',
          'retry\n',
          'event: other\ndata: {}\n\n',
          'data\n\n',
        ),
      },
    ),
    { maxLength: 10 },
  )
  .map((lines) => Buffer.from(lines.join('')));
