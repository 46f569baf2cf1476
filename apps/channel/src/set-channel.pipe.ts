import { Inject, Injectable, type PipeTransform } from '@nestjs/common';
import { checkItem } from '@parley/grpc';
import { DomainError } from '@parley/errors';
import { setChannelRequest, type SetChannel } from './channel.requests.ts';

/** Whether webhooks may lie in private networks and on this machine. */
export const ALLOW_PRIVATE_TARGETS = Symbol('ALLOW_PRIVATE_TARGETS');

/** Validates SetChannel: what it takes depends on a setting, which the others' schemas do not. */
@Injectable()
export class SetChannelPipe implements PipeTransform {
  private readonly schema: ReturnType<typeof setChannelRequest>;

  constructor(@Inject(ALLOW_PRIVATE_TARGETS) allowPrivate: boolean) {
    this.schema = setChannelRequest(allowPrivate);
  }

  transform(value: unknown): SetChannel {
    const request = checkItem(this.schema, value);
    if (request instanceof DomainError) throw request;
    return request;
  }
}
