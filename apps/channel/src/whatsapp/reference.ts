import { uuid } from '@parley/grpc';

/** An attempt to send a delivery. It takes both numbers to tell it from the others: attempts count anew after a retry. */
export interface Attempt {
  /** The delivery. */
  id: string;
  /** How many events had told of it. */
  told: number;
  /** 1 for the first. */
  attempt: number;
}

const REFERENCE = /^([^.]+)(?:\.(\d{1,9})\.(\d{1,9}))?$/;

/** What we give WhatsApp with a message, and get back with what becomes of it (biz_opaque_callback_data). */
export function referenceOf({ id, told, attempt }: Attempt): string {
  return `${id}.${told}.${attempt}`;
}

/** Undefined for what is no reference of ours. */
export function readReference(text: string): Attempt | undefined {
  const [, delivery = '', told, attempt] = REFERENCE.exec(text) ?? [];
  const { data: id } = uuid.safeParse(delivery);
  if (id === undefined) return undefined;
  // The version before named the delivery only: that says which attempt it is of where there has been but one.
  return { id, told: Number(told ?? 0), attempt: Number(attempt ?? 1) };
}
