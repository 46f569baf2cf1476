import { mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { makeCertificates } from '@parley/certs';
import { buildServices } from './build-services.ts';
import type { DatabaseUrls } from './databases.ts';
import { ensureToken } from './gateway-token.ts';
import { lockHome } from './home-lock.ts';
import { openInstallation } from './installation.ts';
import { stopLeftovers } from './leftovers.ts';
import { migrate } from './migrations.ts';
import { planPorts } from './ports.ts';
import { provideNats, providePostgres } from './platform-servers.ts';
import { seedFlows } from './seed.ts';
import { SERVICE_NAMES } from './service-names.ts';
import { planServices, startService, waitUntilReady, withCertificates } from './services.ts';
import type { Service } from './services.ts';
import type { StackSettings } from './settings.ts';
import { removeStackFile, writeStackFile } from './stack-file.ts';
import type { StackDescription } from './stack-file.ts';
import { Supervisor } from './supervisor.ts';

/** A whole Parley on this machine: Postgres, NATS and the services. */
export interface Stack {
  readonly services: readonly Service[];
  /** What stack.json holds now. */
  describe(): StackDescription;
  /** Ends a service's process as a crash would, without halting the stack. */
  killService(name: string): Promise<void>;
  /** Starts it again, and waits until it is ready. */
  restartService(name: string): Promise<void>;
}

export interface StackOptions {
  settings: StackSettings;
  /** Told of each step. */
  log: (line: string) => void;
  /** Default true; false when what is in dist/ is to be used. */
  build?: boolean;
}

/** A stack's life: started once, watched by `supervisor`, stopped once. */
export class LocalStack {
  readonly supervisor: Supervisor;
  readonly #options: StackOptions;
  #unlock: (() => void) | undefined;

  constructor(options: StackOptions) {
    this.#options = options;
    this.supervisor = new Supervisor(options.settings.home);
  }

  /**
   * Starts everything and writes stack.json when all is ready.
   * @throws Error that says what went wrong; call stop() in any case
   */
  async start(): Promise<Stack> {
    const { supervisor } = this;
    const { settings, log, build = true } = this.#options;
    const { home } = settings;
    this.#unlock = lockHome(home);
    removeStackFile(home);
    const leftovers = await stopLeftovers(home);
    if (leftovers.length > 0) log(`Stopped what a killed run had left: ${leftovers.join(', ')}`);
    setLogsAside(join(home, 'logs'));

    const ports = await planPorts(settings);
    const installation = openInstallation(home);
    const context = { settings, ports, installation, supervisor, log };
    const urls: { databases?: DatabaseUrls; nats?: string } = {};
    if (build) log('Building the services');
    await supervisor.together(
      async () => {
        if (build) await buildServices(log, supervisor.halted);
      },
      async () => (urls.databases = await providePostgres(context)),
      async () => (urls.nats = await provideNats(context)),
    );
    const databases = urls.databases as DatabaseUrls;
    const nats = urls.nats as string;

    log('Migrating the databases');
    await supervisor.together(
      ...SERVICE_NAMES.map((service) => () => migrate(service, databases[service], supervisor.halted)),
    );

    let services = planServices(ports, { databases, nats }, settings.logLevel);
    if (settings.tls) {
      const folder = join(home, 'certs');
      await makeCertificates({ folder });
      services = withCertificates(services, folder);
    }
    log(`Starting ${services.map(({ name }) => name).join(', ')}`);
    const startOne = async (service: Service): Promise<void> => {
      await startService(service, home, supervisor);
      await waitUntilReady(service, supervisor);
    };
    await supervisor.together(...services.map((service) => () => startOne(service)));

    const gateway = `http://127.0.0.1:${ports.gateway}`;
    const { halted } = supervisor;
    const tokenOptions = {
      home,
      installation,
      gatewayUrl: gateway,
      databaseUrl: databases.gateway,
      signal: halted,
    };
    const { client, token, tenantId } = await ensureToken(tokenOptions);
    const flows = await seedFlows(client, home, installation);
    halted.throwIfAborted();

    const describe = (): StackDescription => ({
      gateway,
      grpc: {
        contact: addressOf(services, 'contact'),
        flow_catalog: addressOf(services, 'flow-catalog'),
        session: addressOf(services, 'session'),
        channel: addressOf(services, 'channel'),
      },
      nats,
      databases,
      tenant_id: tenantId,
      token,
      flows,
      pids: {
        gateway: supervisor.get('gateway').pid,
        contact: supervisor.get('contact').pid,
        flow_catalog: supervisor.get('flow-catalog').pid,
        session: supervisor.get('session').pid,
        channel: supervisor.get('channel').pid,
      },
      replicas: {
        session: services
          .filter(({ app }) => app === 'session')
          .map(({ name, address }) => ({ address, pid: supervisor.get(name).pid })),
      },
    });
    writeStackFile(home, describe());
    return {
      services,
      describe,
      killService: (name) => supervisor.get(name).kill(),
      restartService: async (name) => {
        await supervisor.get(name).stop();
        await startOne(services.find((service) => service.name === name) as Service);
        writeStackFile(home, describe());
      },
    };
  }

  /** Stops everything in order, and waits for it. Also to be called after a failed start. */
  async stop(): Promise<void> {
    // Not our stack that runs here.
    if (this.#unlock === undefined) return;
    this.supervisor.halt(new Error('The stack is being stopped'));
    removeStackFile(this.#options.settings.home);
    await this.supervisor.stop();
    this.#unlock();
  }
}

function addressOf(services: readonly Service[], name: string): string {
  return (services.find((service) => service.name === name) as Service).address;
}

/** The logs of the previous run are kept as <name>.previous.log. */
function setLogsAside(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const file of readdirSync(folder)) {
    if (file.endsWith('.previous.log') || !file.endsWith('.log')) continue;
    renameSync(join(folder, file), join(folder, file.replace(/\.log$/, '.previous.log')));
  }
}
