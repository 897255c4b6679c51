import { expect, it } from 'vitest';
import { readListenAddress } from '../../src/config/listen-address.ts';

const places: readonly [string, unknown][] = [
  ['7500', { port: 7500 }],
  ['0', { port: 0 }],
  [':7500', { port: 7500 }],
  ['127.0.0.1:7500', { host: '127.0.0.1', port: 7500 }],
  ['localhost', { host: 'localhost' }],
  ['127.0.0.1', { host: '127.0.0.1' }],
  ['[::1]:7500', { host: '::1', port: 7500 }],
  ['0.0.0.0:80', { host: '0.0.0.0', port: 80 }],
  ['my-host.example:80', { host: 'my-host.example', port: 80 }],
  ['unix:/run/holdfast.sock', { socketPath: '/run/holdfast.sock' }],
];

it.each(places)('%s is a place to listen', (text, at) => {
  expect(readListenAddress(text)).toEqual(at);
});

it.each(['', 'unix:', '65536', 'a:b', '::1', 'http://127.0.0.1', '127.0.0.1:', ' 80', '80 '])('%j is none', (text) => {
  expect(readListenAddress(text)).toBeUndefined();
});
