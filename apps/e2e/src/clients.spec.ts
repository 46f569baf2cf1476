import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { runCommand } from '@parley/local-servers';
import { Cluster } from './cluster.ts';

/**
 * The examples of the contract's page, with nothing changed but host, token and ids. PHP's and Python's are written
 * for client libraries; here they are sent by what the languages bring themselves.
 */

const EXAMPLES = {
  curl: `curl -s -X POST $HOST/api/v1/actions/trigger-flow \\
-H "Authorization: Bearer $TOKEN" \\
-H "Content-Type: application/json" \\
-d '{
"flow_id": "'$FLOW'",
"phone": "+14155550123",
"context": { "cart_id": "987654321", "cart_total": "129.00" }
}'`,
  node: `node --input-type=module -e "
const session = await fetch(process.env.HOST + '/api/v1/actions/trigger-flow', {
  method: 'POST',
  headers: { Authorization: 'Bearer ' + process.env.TOKEN, 'Content-Type': 'application/json' },
  body: JSON.stringify({
    flow_id: process.env.FLOW,
    phone: '+14155550123',
    context: { cart_id: '987654321', cart_total: '129.00' },
  }),
}).then((r) => r.json());
console.log(JSON.stringify(session));"`,
  php: `php -r '
echo file_get_contents(getenv("HOST") . "/api/v1/actions/trigger-flow", false, stream_context_create(["http" => [
  "method" => "POST",
  "header" => ["Authorization: Bearer " . getenv("TOKEN"), "Content-Type: application/json"],
  "content" => json_encode([
    "flow_id" => getenv("FLOW"),
    "phone" => "+14155550123",
    "context" => ["cart_id" => "987654321", "cart_total" => "129.00"],
  ]),
]]));'`,
  python3: `python3 -c '
import json, os, urllib.request
request = urllib.request.Request(
    os.environ["HOST"] + "/api/v1/actions/trigger-flow",
    method="POST",
    headers={"Authorization": "Bearer " + os.environ["TOKEN"], "Content-Type": "application/json"},
    data=json.dumps({
        "flow_id": os.environ["FLOW"],
        "phone": "+14155550123",
        "context": {"cart_id": "987654321", "cart_total": "129.00"},
    }).encode(),
)
print(urllib.request.urlopen(request).read().decode())'`,
};

let cluster: Cluster;

beforeAll(async () => {
  cluster = await Cluster.start();
});
afterAll(() => cluster.stop());

describe('the example for', () => {
  for (const [program, script] of Object.entries(EXAMPLES)) {
    const installed = spawnSync(program, ['--version']).status === 0;
    const test = installed ? it : it.skip;
    test(installed ? program : `${program} (skipped: it is not installed here)`, async () => {
      const flow = await cluster.createFlow();
      const run = async (): Promise<unknown> =>
        JSON.parse(
          await runCommand('bash', ['-c', script], {
            env: { PATH: process.env['PATH'], HOST: cluster.gateway, TOKEN: cluster.tokenOf(), FLOW: flow },
          }),
        );
      const started = await run();
      expect(started).toEqual({
        id: expect.any(String),
        status: 'started',
        flow_id: flow,
        flow_name: 'Abandoned cart 30min',
        contact_id: expect.any(String),
      });
      expect(await run()).toEqual({ ...(started as object), status: 'already_running' });
    });
  }
});
