import { describe, expect, it } from 'vitest';
import { ensureRedis } from './ensure-redis.mjs';

interface Answer {
  readonly code: number;
  readonly output: string;
}

const missing: Answer = { code: 127, output: 'not found' };
const fine: Answer = { code: 0, output: '' };
const redis = (version: string): Answer => ({
  code: 0,
  output: `Redis server v=${version} sha=00000000:0 malloc=jemalloc-5.3.0 bits=64`,
});

/** A machine that answers by the longest known beginning of a command line; a function may change what is known. */
function createMachine(known: Record<string, Answer | ((known: Record<string, Answer>) => Answer)>, root = true) {
  const ran: string[] = [];
  const answers = known as Record<string, Answer>;
  const run = async (command: string, args: readonly string[]): Promise<Answer> => {
    const line = [command, ...args].join(' ');
    ran.push(line);
    const key = Object.keys(known).find((start) => line.startsWith(start));
    const answer = key === undefined ? missing : known[key];
    return typeof answer === 'function' ? answer(answers) : (answer ?? missing);
  };
  return { root, run, ran, say: () => {} };
}

const apt = 'env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get';
const arrives = (known: Record<string, Answer>): Answer => {
  known['redis-server'] = redis('7.0.15');
  return fine;
};

describe('ensureRedis', () => {
  it.each(['6.2.0', '7.0.15', '8.0.1'])('is content with %s', async (version) => {
    const machine = createMachine({ 'redis-server': redis(version) });
    expect(await ensureRedis(machine)).toBeUndefined();
    expect(machine.ran).toEqual(['redis-server --version']);
  });

  it('installs with apt-get as root', async () => {
    const machine = createMachine({ 'apt-get --version': fine, [`${apt} install`]: arrives });
    expect(await ensureRedis(machine)).toBeUndefined();
    expect(machine.ran).toContain(`${apt} install -y --no-install-recommends redis-server`);
  });

  it('fetches the package lists where there are none', async () => {
    const machine = createMachine({
      'apt-get --version': fine,
      [`${apt} update`]: (known) => {
        known[`${apt} install`] = fine;
        return arrives(known);
      },
    });
    expect(await ensureRedis(machine)).toBeUndefined();
  });

  it('installs with sudo where it asks for no password', async () => {
    const known = { 'apt-get --version': fine, 'sudo -n true': fine, [`sudo -n ${apt} install`]: arrives };
    expect(await ensureRedis(createMachine(known, false))).toBeUndefined();
  });

  it('installs with Homebrew', async () => {
    expect(await ensureRedis(createMachine({ 'brew --version': fine, 'brew install redis': arrives }))).toBeUndefined();
  });

  it.each([
    [
      'sudo asks for a password',
      { 'apt-get --version': fine },
      /needs a password: run `sudo apt-get install redis-server`\.$/,
    ],
    ['only Docker answers', { 'docker version': fine }, /Docker engine answers: .*docker run .*redis:7\.4/],
    ['there is nothing', {}, /^redis-server is missing and there is neither apt-get, Homebrew nor .*\.$/],
    [
      'it is too old and there is nothing',
      { 'redis-server': redis('6.0.16') },
      /^redis-server 6\.0\.16 is older than 6\.2 /,
    ],
    ['Homebrew fails', { 'brew --version': fine }, /Homebrew could not install it \(not found\)\.$/],
  ])('says what to do when %s', async (_what, known, sentence) => {
    expect(await ensureRedis(createMachine(known, false))).toMatch(sentence);
  });
});
