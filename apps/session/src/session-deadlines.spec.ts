import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { StartSessionRequest, StartSessionResponse } from '@parley/contracts/session';
import { DomainError } from '@parley/errors';
import { runInRequest } from '@parley/service';
import { effort, randomFrom, seed } from '@parley/testing';
import { v7 as uuidv7 } from 'uuid';
import { drained, SOUND, unsound } from './testing/session-checks.ts';
import { newStart, SessionApp } from './testing/session-app.ts';

/** Contacts that are started at the same time. */
const ABREAST = 10;
const MAX_ATTEMPTS = 300;

jest.setTimeout(effort(30_000, 900_000));

let app: SessionApp;

beforeAll(async () => {
  app = await SessionApp.create();
  for (let replica = 0; replica < 3; replica++) await app.addReplica();
});
afterAll(() => app.close());

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const replica = (index: number) => app.clients[index % app.clients.length]!;

describe('callers that give up after 1 to 50 ms and try again', () => {
  it('start one session each, and all their answers agree (P1, P9, fault 15)', async () => {
    const base = newStart(app);
    const begun = seed();
    const random = randomFrom(begun);
    /** One caller: tries until it has an answer, then once more. */
    const insist = async (request: StartSessionRequest): Promise<StartSessionResponse[]> => {
      const answers: StartSessionResponse[] = [];
      for (let attempt = 0; answers.length < 2; attempt++) {
        if (attempt > MAX_ATTEMPTS) throw new Error(`No answer in ${attempt} attempts (seed ${begun})`);
        // As a client should: each attempt waits a little longer, so that abandoned calls do not pile up.
        await pause(random() * Math.min(attempt * 10, 200));
        const deadline = Date.now() + 1 + Math.floor(random() * 50);
        await runInRequest({ requestId: request.requestId, deadline }, () =>
          app.start(request, replica(attempt)),
        ).then(
          (answer) => answers.push(answer),
          (error: unknown) => {
            // Anything but "too late" is a real refusal.
            if (!(error instanceof DomainError && error.kind === 'unavailable')) throw error;
          },
        );
      }
      return answers;
    };
    const contact = async (): Promise<void> => {
      const twins = { ...base, contactId: uuidv7(), requestId: uuidv7() };
      const answers = (await Promise.all([insist(twins), insist(twins)])).flat();
      expect({ begun, ids: new Set(answers.map((answer) => answer.sessionId)).size }).toEqual({
        begun,
        ids: 1,
      });
      const rows = await app.database.query<{ id: string }>('SELECT id FROM sessions WHERE contact_id = $1', [
        twins.contactId,
      ]);
      expect(rows).toEqual([{ id: answers[0]!.sessionId }]);
    };
    for (let done = 0; done < effort(30, 1_000); done += ABREAST) {
      await Promise.all(Array.from({ length: ABREAST }, contact));
    }
    await drained(app.database);
    expect(await unsound(app.database)).toEqual(SOUND);
  });
});
