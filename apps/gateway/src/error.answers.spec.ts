import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { ErrorReason as ChannelReason } from '@parley/contracts/channel';
import { ErrorReason as ContactReason } from '@parley/contracts/contact';
import { ErrorReason as FlowReason } from '@parley/contracts/flow-catalog';
import { ErrorReason as SessionReason } from '@parley/contracts/session';
import { ANSWERS, type Answer } from './error.answers.ts';

const NEVER_SENT = ['UNSPECIFIED', 'UNRECOGNIZED'];

/** Those of error_reason.proto, without the prefix. */
const sentByServices = [ContactReason, FlowReason, SessionReason, ChannelReason]
  .flatMap((reasons) => Object.keys(reasons).filter((name) => !/^-?\d+$/.test(name)))
  .filter((name) => !NEVER_SENT.includes(name));

interface Row {
  reason: string;
  status: number;
  answer: string;
  grpcCode: string;
}

const rows = readRows(readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8'));

describe('the catalogue of errors', () => {
  it.each([...new Set(sentByServices)])('knows an answer for %s, which a service sends', (reason) => {
    expect(Object.keys(ANSWERS)).toContain(reason);
  });

  it.each(Object.entries(ANSWERS))('documents %s as it is answered', (reason, answer) => {
    const documented = rows.filter((row) => row.reason === reason);
    expect(documented).toMatchObject([{ status: answer.status, answer: inWords(answer) }]);
  });

  it('documents no other reasons', () => {
    expect(rows.map((row) => row.reason)).toEqual(Object.keys(ANSWERS));
  });

  it('gives a gRPC code to the reasons that services send, and to no others', () => {
    const withCode = rows.filter((row) => row.grpcCode !== '–').map((row) => row.reason);
    expect(withCode.sort()).toEqual([...new Set(sentByServices)].sort());
  });

  it('has a text of its own for every reason that is answered with a text', () => {
    const texts = Object.values(ANSWERS).flatMap((answer) => ('error' in answer ? [answer.error] : []));
    expect(new Set(texts).size).toBe(texts.length);
  });
});

function inWords(answer: Answer): string {
  if ('error' in answer) return `\`${answer.error}\``;
  return answer.as === undefined ? 'the fields at fault' : `the field \`${answer.as}\``;
}

function readRows(markdown: string): Row[] {
  const lines = markdown.split('\n').filter((line) => line.startsWith('| `'));
  return lines.map((line) => {
    const [, reason, status, answer, grpcCode] = line.split('|').map((cell) => cell.trim());
    return {
      reason: reason!.replaceAll('`', ''),
      status: Number(status),
      answer: answer!,
      grpcCode: grpcCode!.replaceAll('`', ''),
    };
  });
}
