import { describe, expect, it } from '@jest/globals';
import { formatSessionEvent, parseSessionEvent } from './session-event.ts';
import { table } from './summary.ts';

describe('table', () => {
  it('aligns its columns', () => {
    const rows = [
      ['', 'address', 'pid'],
      ['gateway', 'x:1', '12'],
    ];
    expect(table(rows)).toBe('           address  pid\n  gateway  x:1      12');
  });
});

describe('the line of an event', () => {
  it('tells time, type, sequence, session, flow and contact', () => {
    const event = {
      specversion: '1.0',
      id: 'e1',
      type: 'session.started',
      subject: 's1',
      time: '2026-05-07T08:14:23Z',
      sequence: '1',
      data: { flow_name: 'Main menu', contact_id: 'c1' },
    };
    expect(formatSessionEvent(parseSessionEvent(JSON.stringify(event)))).toBe(
      '2026-05-07T08:14:23Z  session.started    #1  session s1  flow "Main menu"  contact c1',
    );
    expect(() => parseSessionEvent('null')).toThrow('not a CloudEvents event');
  });
});
