import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createRandom } from '../random.ts';
import { FaultProxy } from './fault-proxy.ts';

let echo: Server;
let proxy: FaultProxy;
const heard: string[] = [];
const accepted: Socket[] = [];
const sockets: Socket[] = [];

beforeEach(async () => {
  heard.length = 0;
  echo = createServer((socket) => {
    accepted.push(socket);
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      heard.push(bytes.toString());
      socket.write(bytes);
    });
  }).listen(0, '127.0.0.1');
  await once(echo, 'listening');
  proxy = await FaultProxy.start((echo.address() as AddressInfo).port);
});

afterEach(async () => {
  for (const socket of [...sockets.splice(0), ...accepted.splice(0)]) socket.destroy();
  await proxy.stop();
  echo.close();
});

async function open(): Promise<Socket> {
  const socket = connect(proxy.port, '127.0.0.1');
  socket.on('error', () => {});
  sockets.push(socket);
  await once(socket, 'connect');
  return socket;
}

async function ask(socket: Socket, text: string): Promise<string> {
  let answer = '';
  socket.write(text);
  while (answer.length < text.length) answer += String((await once(socket, 'data'))[0]);
  return answer;
}

it('passes, delays and drips', async () => {
  const socket = await open();
  expect(await ask(socket, 'hello')).toBe('hello');
  proxy.set({ kind: 'delay', ms: 30 });
  const began = performance.now();
  expect(await ask(socket, 'later')).toBe('later');
  expect(performance.now() - began).toBeGreaterThan(55);
  proxy.set({ kind: 'drip', bytes: 2 });
  const pieces: string[] = [];
  socket.on('data', (bytes) => pieces.push(bytes.toString()));
  expect(await ask(socket, 'in pieces')).toBe('in pieces');
  expect(pieces.length).toBeGreaterThan(1);
});

it('forwards a request and loses its reply', async () => {
  proxy.set({ kind: 'drop-reply', match: 'SET', chance: 1, random: createRandom(1) });
  const socket = await open();
  expect(await ask(socket, 'GET a')).toBe('GET a');
  socket.write('SET a');
  await once(socket, 'close');
  expect(heard).toEqual(['GET a', 'SET a']);
  expect(proxy.dropped).toBe(1);
});

it('swallows what existing connections say, and serves new ones', async () => {
  const socket = await open();
  await ask(socket, 'alive');
  proxy.blackHole();
  let spoke = false;
  socket.on('data', () => {
    spoke = true;
  });
  socket.on('close', () => {
    spoke = true;
  });
  socket.write('lost');
  expect(await ask(await open(), 'new')).toBe('new');
  expect(heard).toEqual(['alive', 'new']);
  expect(spoke).toBe(false);
});

it('resets, refuses, and accepts again on the same port', async () => {
  const socket = await open();
  const [error] = await Promise.all([once(socket, 'error'), proxy.refuse()]);
  expect(error).toMatchObject([{ code: 'ECONNRESET' }]);
  await expect(open()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  await proxy.accept();
  expect(await ask(await open(), 'again')).toBe('again');
});
