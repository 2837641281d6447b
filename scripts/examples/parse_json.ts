/** Parses 60 JSON texts of a megabyte and adds up a field: the task computes, and much is sent to a lane. */

/** The job's name in reports. */
export const title = "parse large JSON";

const TEXTS = 60;
const RECORDS = 12_000;

/** The texts, each made when it is pulled. */
export function* items(): Generator<string> {
  for (let text = 0; text < TEXTS; text++) {
    const records = Array.from({ length: RECORDS }, (_, place) => ({
      id: text * RECORDS + place,
      name: `record ${place}`,
      tags: ["alpha", "beta"],
      price: place * 7 % 1000,
    }));
    yield JSON.stringify(records);
  }
}

/** Adds up the prices in a JSON text. */
export default function total(text: string): number {
  const records: { price: number }[] = JSON.parse(text);
  return records.reduce((sum, { price }) => sum + price, 0);
}
