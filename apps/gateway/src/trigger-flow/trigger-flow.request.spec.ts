import { expect, it } from '@jest/globals';
import { fingerprintOf, triggerFlowRequest } from './trigger-flow.request.ts';

const FLOW = '0190b0a0-0000-7000-8000-000000000000';

/** Of a request whose context is written so. */
const printed = (context: string): string => {
  const body = { flow_id: FLOW, phone: '+14155550123' };
  return fingerprintOf({ ...triggerFlowRequest.parse(body), context }).toString('hex');
};

it.each([
  ['{"a":1.00000000000000000001}', '{"a":1.00000000000000000009}'],
  ['{"a":[{"b":9007199254740993}]}', '{"a":[{"b":9007199254740992}]}'],
  ['{"a":1}', '{"a":"1"}'],
  ['{"a":[1,2]}', '{"a":[2,1]}'],
])('%s is another context than %s', (one, other) => {
  expect(printed(one)).not.toBe(printed(other));
});

it.each([
  ['{"a":{"c":9007199254740993,"b":1},"d":2}', '{"d":2,"a":{"b":1,"c":9007199254740993}}'],
  ['{"a":100}', '{"a":1e2}'],
])('%s is the same context as %s', (one, other) => {
  expect(printed(one)).toBe(printed(other));
});
