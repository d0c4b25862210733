// SPDX-License-Identifier: Apache-2.0
// Writes locale_table.h from the CLDR data that node's ICU holds: node mklocales.js > locale_table.h
// The first row of a language is what its other regions fall back to.
const tags = ["en-001", "en-US", "en-GB", "de-DE", "de-AT", "de-CH", "fr-FR", "fr-CA", "es-ES", "es-MX", "it-IT", "nl-NL", "pt-BR",
  "pt-PT", "sv-SE", "da-DK", "nb-NO", "fi-FI", "pl-PL", "cs-CZ", "ja-JP", "ko-KR", "zh-CN"];
const own = {US: "USD", GB: "GBP", DE: "EUR", AT: "EUR", CH: "CHF", FR: "EUR", CA: "CAD", ES: "EUR", MX: "MXN", IT: "EUR", NL: "EUR",
  BR: "BRL", PT: "EUR", SE: "SEK", DK: "DKK", NO: "NOK", FI: "EUR", PL: "PLN", CZ: "CZK", JP: "JPY", KR: "KRW", CN: "CNY"};
// Spaces that nobody would see in the file are written as escapes.
const q = s => '"' + s.replace(/["\\]/g, "\\$&").replace(/\u00A0/g, '\\xC2\\xA0""').replace(/\u202F/g, '\\xE2\\x80\\xAF""').replace(/""$/, "") + '"';
const part = (parts, type) => (parts.find(p => p.type === type) || {value: ""}).value;
const shape = parts => {
  let seen = false;
  return parts.map(p => p.type === "currency" ? "$" : p.type === "percentSign" ? "%" : p.type === "literal" ? p.value :
    ["integer", "group", "decimal", "fraction"].includes(p.type) ? (seen ? "" : (seen = true, "#")) : "").join("");
};
const dateShape = parts => parts.map(p => ({day: "D", month: "M", year: "Y"})[p.type] || p.value).join("");
const months = (tag, options, type) => [...Array(12).keys()].map(m => {
  const parts = new Intl.DateTimeFormat(tag, {...options, timeZone: "UTC"}).formatToParts(new Date(Date.UTC(2026, m, 12)));
  const i = parts.findIndex(p => p.type === "month");
  return parts[i].value;
});
const full = {day: "numeric", month: "long", year: "numeric"}, short = {month: "long", year: "numeric"};
console.log("/* SPDX-License-Identifier: Apache-2.0 AND Unicode-3.0 */");
console.log(`/* Made by mklocales.js from the Unicode CLDR ${process.versions.cldr} (https://cldr.unicode.org); do not edit. */`);
for (const tag of tags) {
  const number = new Intl.NumberFormat(tag).formatToParts(-1234567.5), region = tag.split("-")[1];
  const small = new Intl.NumberFormat(tag).formatToParts(1234);
  const currency = own[region] || "USD";
  const money = new Intl.NumberFormat(tag, {style: "currency", currency: "EUR"}).formatToParts(12.5);
  const sign = part(new Intl.NumberFormat(tag, {style: "currency", currency}).formatToParts(1), "currency");
  const moneyGroup = part(new Intl.NumberFormat(tag, {style: "currency", currency: "EUR"}).formatToParts(1234567), "group");
  const percent = new Intl.NumberFormat(tag, {style: "percent"}).formatToParts(0.5);
  const date = new Date(Date.UTC(2026, 0, 12));
  const day = dateShape(new Intl.DateTimeFormat(tag, {...full, timeZone: "UTC"}).formatToParts(date));
  const month = dateShape(new Intl.DateTimeFormat(tag, {...short, timeZone: "UTC"}).formatToParts(date));
  const names = months(tag, full), alone = months(tag, short);
  const list = l => "{" + l.map(q).join(", ") + "}";
  console.log(`{"${tag}", ${q(part(number, "group"))}, ${q(moneyGroup)}, ${q(part(number, "decimal"))}, ${q(part(number, "minusSign"))}, ${small.some(p => p.type === "group") ? 1 : 2}, ` +
    `${q(shape(money))}, ${q(shape(percent))}, "${own[region] || ""}", ${q(own[region] ? sign : "")}, ${q(day)}, ${q(month)},\n ${list(names)},\n ${list(alone)}},`);
}
