import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { knownFile, knownId, rememberId } from './flow-lock.ts';

const SHARED = 'https://parley.example';
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-lock-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const file = (name: string): string => join(folder, name);
const read = (name: string): string => readFileSync(file(name), 'utf8');

describe('what is remembered of a file', () => {
  it('is its flow on each gateway, sorted, in a file for git', () => {
    rememberId(SHARED, file('b.json'), '2');
    rememberId(SHARED, file('a.json'), '1');
    rememberId('https://other.example', file('a.json'), '3');
    expect(read('flows.lock.json')).toBe(
      `${JSON.stringify(
        { 'https://other.example': { 'a.json': '3' }, [SHARED]: { 'a.json': '1', 'b.json': '2' } },
        undefined,
        2,
      )}\n`,
    );
    expect(knownId(SHARED, file('b.json'))).toBe('2');
    expect(knownId(SHARED, file('c.json'))).toBeUndefined();
    expect(knownId('https://third.example', file('a.json'))).toBeUndefined();
    expect(knownFile(SHARED, folder, '1')).toBe('a.json');
    expect(knownFile(SHARED, folder, '3')).toBeUndefined();
  });

  it.each(['http://127.0.0.1:3000', 'http://localhost:3000', 'http://[::1]:3000'])(
    'stays out of git for the gateway %s of this machine',
    (url) => {
      rememberId(url, file('a.json'), '1');
      expect(JSON.parse(read('flows.local.json'))).toEqual({ [url]: { 'a.json': '1' } });
      expect(() => read('flows.lock.json')).toThrow('ENOENT');
    },
  );

  it.each(['{', '[]', '{"https://parley.example":"x"}'])(
    'is not guessed at where the file holds %s',
    (text) => {
      writeFileSync(file('flows.lock.json'), text);
      expect(() => knownId(SHARED, file('a.json'))).toThrow(
        'flows.lock.json: is not as this program wrote it',
      );
    },
  );
});
