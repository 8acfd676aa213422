/** The app of one operator resource: what every function has, and 405 with `Allow` where only the method is wrong. */
import type { Hono } from 'hono';
import { methodNotAllowed } from 'hono/method-not-allowed';
import { ApiError, createApp, problem } from '../_shared/http.ts';

/** @param basePath with its slash: `/agents` */
export function operatorApp(basePath: string): Hono {
  const app = createApp(basePath);
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed: (c, methods) =>
        problem(
          new ApiError(
            405,
            'method_not_allowed',
            `${c.req.path} does not take ${c.req.method}. It takes ${methods.join(', ')}.`,
            undefined,
            { allow: methods.join(', ') },
          ),
        ),
    }),
  );
  return app;
}
