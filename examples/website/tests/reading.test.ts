import { expect, test } from "bun:test";
import { inline } from "../plugins/d2.mjs";
import { day, minutesToRead } from "../src/lib/reading";

test("a short text still takes a minute", () => {
  expect(minutesToRead("three short words")).toBe(1);
  expect(minutesToRead("word ".repeat(660))).toBe(3);
});

test("punctuation alone is no word", () => {
  expect(minutesToRead("| --- ".repeat(2000))).toBe(1);
});

test("days do not depend on the time zone", () => {
  expect(day(new Date("2025-05-03"))).toBe("3 May 2025");
});

test("a drawing loses its XML declaration", () => {
  expect(inline('<?xml version="1.0"?><svg width="1"></svg>')).toBe('<svg role="img" class="d2" width="1"></svg>');
});
