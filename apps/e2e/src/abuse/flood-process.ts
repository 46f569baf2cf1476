// node flood-process.ts <host:port> <RPC path> <request, in base64> <amount>: every flood at one service, one after the
// other, from a process of its own, so that what others see is the service's doing. Prints a line of JSON for each.
import { FLOODS } from './floods.ts';

const [address, path, request, amount] = process.argv.slice(2) as [string, string, string, string];
const target = { address, path, request: Buffer.from(request, 'base64'), amount: Number(amount) };

for (const { name, send } of FLOODS) {
  const begun = Date.now();
  const wrong = await send(target);
  console.log(JSON.stringify({ name, wrong, ms: Date.now() - begun }));
}
