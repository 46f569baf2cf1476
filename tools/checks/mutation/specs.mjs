// The engine's examples as one spec: what they import is loaded once for each change, not once for each spec.
import { readdirSync } from 'node:fs';

const ENGINE = new URL('../../../libs/flow-engine/src/', import.meta.url);
/** Properties and floods would take seconds for each change; the others have nothing to do with running flows. */
const LEFT_OUT =
  /^(?:any-|hostile-|simulate|check-flow|flow-node|flow-problem|http-request-url|public-|safe-)/;

for (const name of readdirSync(ENGINE).sort()) {
  if (name.endsWith('.spec.ts') && !LEFT_OUT.test(name)) await import(new URL(name, ENGINE).pathname);
}
