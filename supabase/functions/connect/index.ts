import { dependencies } from '../_shared/dependencies.ts';
import { handler } from './handler.ts';

Deno.serve(handler(dependencies()).fetch);
