import { describe, expect, it } from 'vitest';
import { SendWindow } from '../../../src/link/web-socket/send-window.ts';

describe('what may wait to be sent', () => {
  it('is so many bytes, and more again once some have left', () => {
    const window = new SendWindow(100);
    expect(window.refusal(60, 0)).toBeNull();
    window.handedOver(60);
    expect(window.refusal(40, 60)).toBeNull();
    window.handedOver(40);
    expect(window.refusal(1, 100)).toEqual({
      kind: 'overload',
      code: 'send-buffer-full',
      message:
        '2 messages, 100 of at most 100 bytes, already wait to be sent: the server does not read. Try again later.',
    });
    expect(window.refusal(60, 40)).toBeNull();
    expect(window.refusal(61, 40)).toMatchObject({
      message:
        '1 messages, 40 of at most 100 bytes, already wait to be sent: the server does not read. Try again later.',
    });
  });

  it('is 16 384 messages at most, however small, of which those that have left do not count', () => {
    const window = new SendWindow(1024 * 1024);
    for (let sent = 0; sent < 16_384; sent += 1) {
      expect(window.refusal(10, sent * 10)).toBeNull();
      window.handedOver(10);
    }
    expect(window.refusal(10, 163_840)).toMatchObject({ kind: 'overload', code: 'send-buffer-full' });
    expect(window.refusal(10, 163_831)).toMatchObject({ kind: 'overload' });
    expect(window.refusal(10, 163_830)).toBeNull();
  });

  it('forgets what has left, over millions of messages', () => {
    const window = new SendWindow(1000);
    for (let sent = 0; sent < 1_000_000; sent += 1) {
      if (window.refusal(10, sent % 3 === 0 ? 0 : 20) !== null) throw new Error(`refused message ${sent}`);
      window.handedOver(10);
    }
    expect(window.refusal(1001, 0)).toMatchObject({ code: 'send-buffer-full' });
    expect(window.refusal(1000, 0)).toBeNull();
  });
});
