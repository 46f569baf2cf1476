import { checkFlow, compileFlow, newSession, runSprint } from '@parley/flow-engine';
import type { CompiledFlow, SessionState, SprintInput } from '@parley/flow-engine';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY_ROOT } from '../repository.ts';
import { chainOf, FIVE_NODES } from './engine-flows.ts';

export interface EngineCase {
  name: string;
  run: () => unknown;
  /** The name of the case it is compared with. */
  against?: string;
}

const NOW = Date.UTC(2026, 4, 7, 10);
const MINUTE = 60_000;
const FACTS = { id: 'flow', name: 'Flow', version: 1, sessionTtlMinutes: 30, channel: '' };
const SESSION = {
  sessionId: '019a1e2f-7f4c-7c1a-8a5e-3f2b1c0d9e8f',
  context: { cart_id: '987654321', cart_total: '129.00', currency: 'EUR' },
  contact: { id: '01920000-0000-7000-8000-000000000001', name: 'Ada', tags: ['new'] },
};

/** What is measured. Each case is run once here, so that none is measured that does not do what it says. */
export function engineCases(): EngineCase[] {
  const cart = abandonedCart();
  const [five, abandoned] = [compile(FIVE_NODES), compile(cart)];
  const asked = start(abandoned);
  const thousand = chainOf(1_000);
  expectAt(start(five), 'running', 'ask');
  expectAt(asked, 'running', 'ask');
  expectAt(reply(abandoned, asked), 'completed', 'recovered');
  if (checkFlow(thousand, FACTS).errors.length > 0)
    throw new Error('The flow of 1000 nodes does not publish');
  return [
    { name: 'five nodes: start', run: () => start(five) },
    { name: '… parsed every time', run: () => start(compile(FIVE_NODES)), against: 'five nodes: start' },
    { name: '… state written out and read', run: () => start(five, restored), against: 'five nodes: start' },
    { name: 'abandoned cart: start', run: () => start(abandoned) },
    { name: 'abandoned cart: reply', run: () => reply(abandoned, asked) },
    {
      name: '… parsed every time ',
      run: () => reply(compile(cart), asked),
      against: 'abandoned cart: reply',
    },
    { name: 'compile 1000 nodes', run: () => compile(thousand) },
    { name: 'check 1000 nodes', run: () => checkFlow(thousand, FACTS), against: 'compile 1000 nodes' },
  ];
}

function abandonedCart(): unknown {
  const file = join(REPOSITORY_ROOT, 'tools/local-stack/seed/abandoned_cart.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as { definition: unknown }).definition;
}

function compile(definition: unknown): CompiledFlow {
  return compileFlow(definition, FACTS);
}

function start(flow: CompiledFlow, pass = (state: SessionState) => state): SessionState {
  return pass(runSprint(flow, newSession(flow, SESSION, NOW), { type: 'start' }, NOW).state);
}

function reply(flow: CompiledFlow, state: SessionState): SessionState {
  const input: SprintInput = { type: 'reply', waitId: 1, text: 'Yes', choice: 'yes' };
  return runSprint(flow, state, input, NOW + MINUTE).state;
}

/** As the session's row does. */
function restored(state: SessionState): SessionState {
  return JSON.parse(JSON.stringify(state)) as SessionState;
}

function expectAt({ status, nodeId }: SessionState, wanted: string, node: string): void {
  if (status !== wanted || nodeId !== node)
    throw new Error(`${status} at ${nodeId}, not ${wanted} at ${node}`);
}
