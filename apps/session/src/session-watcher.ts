import { Injectable } from '@nestjs/common';
import type { TimelineEntry } from '@parley/contracts/session';
import { unavailable } from '@parley/errors';
import { Observable } from 'rxjs';
import type { WatchSession } from './session.requests.ts';
import { Timeline } from './timeline.ts';

/** How often a watched session is looked at: what another replica commits is seen that much later. */
const INTERVAL_MS = 500;
const PAGE_SIZE = 200;

/** Follows sessions' timelines for those who watch them. */
@Injectable()
export class SessionWatcher {
  private readonly timeline: Timeline;
  private readonly closing = new AbortController();

  constructor(timeline: Timeline) {
    this.timeline = timeline;
  }

  /** Ends after the last entry of a session that has ended. Fails with SESSION_NOT_FOUND; with UNAVAILABLE once closed. */
  watch(request: WatchSession): Observable<TimelineEntry> {
    return new Observable((subscriber) => {
      let timer: NodeJS.Timeout | undefined;
      let after = request.afterNumber;
      const look = async (): Promise<void> => {
        const { session, entries } = await this.timeline.read(request.tenantId, request.id, after, PAGE_SIZE);
        for (const entry of entries) subscriber.next(entry);
        after = entries.at(-1)?.number ?? after;
        if (subscriber.closed) return;
        if (entries.length === PAGE_SIZE) return look();
        if (session.status !== 'running') return subscriber.complete();
        if (this.closing.signal.aborted) throw closed();
        timer = setTimeout(follow, INTERVAL_MS);
      };
      const follow = (): void => void look().catch((error: unknown) => subscriber.error(error));
      const stop = (): void => subscriber.error(closed());
      this.closing.signal.addEventListener('abort', stop);
      follow();
      return () => {
        clearTimeout(timer);
        this.closing.signal.removeEventListener('abort', stop);
      };
    });
  }

  /** Ends every watch, so that the process can end. */
  close(): void {
    this.closing.abort();
  }
}

function closed(): Error {
  return unavailable('The service is stopping; go on watching elsewhere');
}
