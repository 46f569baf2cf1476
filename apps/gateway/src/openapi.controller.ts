import { readFileSync } from 'node:fs';
import { Controller, Get, Header } from '@nestjs/common';
import { Access } from './auth/access.ts';

const DOCUMENT = readFileSync(new URL('../openapi.yaml', import.meta.url), 'utf8');

@Controller('openapi.yaml')
export class OpenApiController {
  /** The whole REST surface, as OpenAPI 3.1. */
  @Get()
  @Access('public')
  @Header('Content-Type', 'application/yaml')
  document(): string {
    return DOCUMENT;
  }
}
