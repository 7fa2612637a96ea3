// The order in which the site shows the documents. A page is the path of its document from the root of the repository, without `.md`.

/** Groups of the side bar: `pages` are documents, `links` are pages that the build makes. */
export const navigation = [
  { text: 'Start', pages: ['README', 'docs/init', 'docs/protect', 'docs/testing', 'docs/glossary'] },
  {
    text: 'Guides',
    pages: [
      'docs/guides/login',
      'docs/guides/sign-up',
      'docs/guides/invitations',
      'docs/guides/public-routes',
      'docs/guides/webhooks',
      'docs/guides/jobs',
      'docs/guides/admin-panel',
      'docs/guides/rename-and-delete',
      'docs/guides/seeds',
      'docs/guides/migrations-in-ci',
      'docs/guides/pgbouncer',
      'docs/guides/several-apps',
      'docs/guides/search',
      'docs/guides/incident',
    ],
  },
  {
    text: 'Requests',
    pages: [
      'docs/auth',
      'docs/tenants',
      'docs/context',
      'docs/express',
      'docs/frameworks',
      'docs/access',
      'docs/guards',
      'docs/rate-limits',
    ],
  },
  {
    text: 'Database',
    pages: [
      'docs/database',
      'docs/orms',
      'docs/repository',
      'docs/schema-isolation',
      'docs/protection',
      'docs/performance',
    ],
  },
  { text: 'Proof', pages: ['docs/verify', 'docs/explain', 'docs/doctor', 'src/prove/README', 'docs/verify-internals'] },
  { text: 'Evidence', pages: ['docs/audit', 'docs/alerts', 'docs/telemetry'] },
  {
    text: 'Reference',
    pages: ['docs/errors', 'docs/compatibility', 'docs/licences'],
    links: [
      { text: 'Commands', link: '/reference/cli' },
      { text: 'API', link: '/reference/api/' },
      { text: 'Rules of verify', link: '/rules/' },
    ],
  },
  { text: 'Project', pages: ['CHANGELOG', 'CONTRIBUTING', 'SECURITY', 'skills/multi-tenant-security/SKILL'] },
]
