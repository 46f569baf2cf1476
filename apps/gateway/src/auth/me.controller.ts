import { Controller, Get } from '@nestjs/common';
import { Access, CurrentCaller } from './access.ts';
import type { Caller } from './caller.ts';

@Controller('me')
export class MeController {
  /** Who the token stands for. */
  @Get()
  @Access('token')
  me(@CurrentCaller() caller: Caller): object {
    return {
      name: caller.name,
      tenant: { id: caller.tenantId, name: caller.tenantName },
      scopes: caller.scopes,
      rate_limit: caller.rateLimit,
    };
  }
}
