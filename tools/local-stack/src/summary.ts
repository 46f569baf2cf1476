import type { Service } from './services.ts';
import type { StackDescription } from './stack-file.ts';
import type { Supervisor } from './supervisor.ts';

/** What runs where, and what to try first. home: where it runs, if that is not where commands look by themselves. */
export function summary(
  description: StackDescription,
  services: readonly Service[],
  supervisor: Supervisor,
  home: string | undefined,
): string {
  const addressOf = new Map(services.map(({ name, address }) => [name, address]));
  addressOf.set('postgres', new URL(description.databases.gateway).host);
  addressOf.set('nats', new URL(description.nats).host);
  addressOf.set('gateway', description.gateway);
  const rows = supervisor
    .list()
    .toReversed()
    .map(({ name, pid, logFile }) => [name, addressOf.get(name) ?? '', String(pid), logFile]);
  return [
    '',
    'Parley is ready.',
    '',
    table([['', 'address', 'pid', 'log'], ...rows]),
    '',
    ...metricsLines(services),
    'Start a flow (paste it twice: the second time its session is already running):',
    '',
    triggerCommand(description),
    '',
    ...(home ? [`In another terminal, set PARLEY_HOME=${home} for these:`] : []),
    'npm run chat                                             talks to a flow, as its contact would',
    'npm run events                                           shows the events as they come',
    'npm run token -- create --tenant acme --name shop        makes a token for another tenant',
    'npm run outbox -- --help                                 shows and replays what was sent',
    'Ctrl-C                                                   stops everything; data stays',
    '',
  ].join('\n');
}

function metricsLines(services: readonly Service[]): string[] {
  const served = services.filter(({ env }) => Number(env['METRICS_PORT']) > 0);
  if (served.length === 0) return [];
  const rows = served.map(({ name, env }) => [name, `http://127.0.0.1:${env['METRICS_PORT']}/metrics`]);
  return ['Metrics:', '', ...rows.map(([name = '', url]) => `  ${name.padEnd(12)}  ${url}`), ''];
}

/** A curl command that starts the flow "Abandoned cart 30min". */
export function triggerCommand({ gateway, token, flows }: StackDescription): string {
  const body = {
    flow_id: flows['abandoned_cart'],
    phone: '+14155550123',
    context: { cart_id: '987654321', cart_total: '129.00' },
  };
  return [
    `curl -i -X POST ${gateway}/api/v1/actions/trigger-flow \\`,
    `  -H "Authorization: Bearer ${token}" \\`,
    '  -H "Content-Type: application/json" \\',
    `  -d '${JSON.stringify(body)}'`,
  ].join('\n');
}

/** Rows in aligned columns, the first row being the heading. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
  return rows.map((row) => `  ${line(row).trimEnd()}`).join('\n');
}
