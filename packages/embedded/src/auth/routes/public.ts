/** What anybody may read: that the service is there, and what it offers. */
import { type Hono } from 'hono';
import { type AuthContext } from '../context.ts';

export function publicRoutes(app: Hono, auth: AuthContext): void {
  app.get('/health', (c) => c.json({ name: 'GoTrue', version: 'embedded', description: 'Local stand-in for GoTrue' }));

  app.get('/settings', (c) =>
    c.json({
      external: { email: true, phone: false, anonymous_users: false },
      disable_signup: false,
      mailer_autoconfirm: auth.autoConfirm,
      phone_autoconfirm: false,
      sms_provider: '',
      saml_enabled: false,
    }),
  );

  // HS256 has no public key. supabase-js asks for `/user` instead.
  app.get('/.well-known/jwks.json', (c) => c.json({ keys: [] }));
}
