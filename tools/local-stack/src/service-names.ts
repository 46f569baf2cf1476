/** The services that own a database, as stack.json and database names spell them. */
export const SERVICE_NAMES = ['contact', 'flow_catalog', 'session', 'channel', 'gateway'] as const;

export type ServiceName = (typeof SERVICE_NAMES)[number];

/** The folder of a service below apps/. */
export function appOf(service: ServiceName): string {
  return service.replace('_', '-');
}
