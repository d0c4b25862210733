// SPDX-License-Identifier: Apache-2.0
// Sends the same conversation through one of the real SDKs: node sdks.js segment|rudder URL WRITE_KEY [gzip]
// Prints "delivered N" or the errors that the SDK reported.
'use strict';
const [which, url, key, gzip] = process.argv.slice(2);
const N = 25;

function conversation(send) {
  send('identify', { userId: 'u1', traits: { email: 'ann@acme.example', name: 'Ann Ö', title: 'CRO' } });
  send('group', { userId: 'u1', groupId: 'acme', traits: { name: 'Acme', employees: 120 } });
  for (let i = 0; i < N; i++)
    send('track', { userId: 'u1', event: 'Feature Used', properties: { feature: 'reports', n: i }, context: { groupId: 'acme' } });
  send('page', { userId: 'u1', name: 'Pricing', properties: { url: 'https://acme.example/pricing' } });
  send('screen', { userId: 'u1', name: 'Home' });
  send('alias', { userId: 'u1', previousId: 'anon1' });
}

async function segment() {
  const { Analytics } = require('@segment/analytics-node');
  const analytics = new Analytics({ writeKey: key, host: url, flushAt: 10, flushInterval: 50, maxRetries: 3 });
  let delivered = 0, failed = 0;
  for (const kind of ['identify', 'group', 'track', 'page', 'screen', 'alias'])
    analytics.on(kind, () => delivered++);
  analytics.on('error', (e) => { failed++; console.error('error', e.code, e.reason || e.message); });
  conversation((kind, message) => analytics[kind](message));
  await analytics.closeAndFlush({ timeout: 15000 });
  console.log(failed ? `failed ${failed}` : `delivered ${delivered}`);
}

async function rudder() {
  const Analytics = require('@rudderstack/rudder-sdk-node');
  const client = new (Analytics.default || Analytics)(key, {
    dataPlaneUrl: url, flushAt: 10, flushInterval: 50, gzip: gzip !== 'plain', retryCount: 3, logLevel: 'error',
    errorHandler: (e) => { console.log('failed', e.message); process.exit(1); },
  });
  let delivered = 0;
  await new Promise((resolve) => {
    conversation((kind, message) => client[kind](message, (e) => {
      if (e) { console.log('failed', e.message || e); process.exit(1); }
      if (++delivered === N + 5) resolve();
    }));
    client.flush();
  });
  console.log(`delivered ${delivered}`);
  process.exit(0);
}

(which === 'segment' ? segment() : rudder()).catch((e) => { console.log('failed', e.stack); process.exit(1); });
