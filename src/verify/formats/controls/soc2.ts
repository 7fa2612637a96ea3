import type { Standard } from './control.ts'
import { ABOUT_RIGHTS } from './rules-of-promises.ts'

const DATABASE = ['rls', 'policy', 'key', 'code', 'object', 'context', 'metadata', 'escape', 'role', 'grant']

/** The criteria of 2017, read with the AICPA's explanations ("points of focus") of 2022. */
export const SOC2: Standard = {
  title: 'SOC 2, Trust Services Criteria (2017)',
  source: 'www.aicpa-cima.com/topic/audit-assurance/audit-and-assurance-greater-than-soc-2',
  selection:
    'Two criteria that a test of a database schema touches (2017, points of focus of 2022): CC6.1 and CC6.3. CC7.1 and CC7.2 are listed with the reason why they are not covered. All others, such as CC6.2, CC6.6, CC8.1 and C1.1, are not covered either.',
  controls: [
    {
      id: 'CC6.1',
      asks: 'Logical access to protected information is restricted.',
      groups: DATABASE,
      looks: 'Row-level security, policies, views, functions, keys, roles and grants of the judged schemas.',
      limits: 'Access that does not go through this database: application, network, backups, staff.',
    },
    {
      id: 'CC6.3',
      asks: 'Access follows roles and least privilege.',
      groups: ['role', 'grant', 'escape'],
      also: ABOUT_RIGHTS,
      looks:
        'What the roles of the application own, can become, and were granted beyond reading and writing rows and calling functions.',
      limits:
        'Whether rows of other tenants are in reach by a right that the application needs: CC6.1 looks at that. Superusers and other privileged logins of the server that the application can’t become: no rule judges them, and Roles lists those that this run knows. Roles of people, and how access is requested, approved and withdrawn.',
    },
    {
      id: 'CC7.1',
      asks: 'Vulnerabilities, and changes of configuration that make new ones, are detected.',
      missing:
        'one run is no procedure of detection. Evidence would be the history of this report, made on each change or by schedule, and what was done about its findings.',
    },
    {
      id: 'CC7.2',
      asks: 'Systems are monitored for anomalies.',
      missing:
        'one run is no monitoring. Evidence would be the history of this report, made on each change or by schedule, and the alerts of the system.',
    },
  ],
}
