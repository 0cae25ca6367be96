//! What a page links to, what can be linked to in it, and whether it shows
//! anything.

use std::collections::{BTreeMap, HashSet};

use html5gum::emitters::default::{DefaultEmitter, StartTag};
use html5gum::{HtmlString, Spanned, Token, Tokenizer};

#[derive(Debug, Default)]
pub struct Page {
    pub links: Vec<Link>,
    /// Values of `id`, and of `name` on anchors.
    pub anchors: HashSet<String>,
    /// Address that links are relative to, instead of the page's own.
    pub base: Option<String>,
    /// Nothing to see: no text, no picture, no script that could make some.
    pub empty: bool,
}

#[derive(Debug, PartialEq)]
pub struct Link {
    /// Counts from one.
    pub line: usize,
    pub element: String,
    pub attribute: &'static str,
    pub url: String,
}

/// Attributes that hold an address, by element.
const ADDRESSES: [(&str, &[&str]); 15] = [
    ("a", &["href", "xlink:href"]),
    ("area", &["href"]),
    ("audio", &["src"]),
    ("embed", &["src"]),
    ("iframe", &["src"]),
    ("image", &["href", "xlink:href"]),
    ("img", &["src"]),
    ("input", &["src"]),
    ("link", &["href"]),
    ("object", &["data"]),
    ("script", &["src"]),
    ("source", &["src"]),
    ("track", &["src"]),
    ("use", &["href", "xlink:href"]),
    ("video", &["src", "poster"]),
];

/// Attributes that hold a list of images with their sizes, on any element.
const SETS: [&str; 2] = ["srcset", "imagesrcset"];

/// Elements that show something without any text.
const SHOWN: [&str; 15] = [
    "audio", "button", "canvas", "embed", "iframe", "img", "input", "math", "meter", "object",
    "progress", "select", "svg", "textarea", "video",
];

/// Elements whose text is not shown.
const HIDDEN: [&str; 4] = ["title", "style", "template", "noscript"];

pub fn read(html: &str) -> Page {
    let mut emitter = DefaultEmitter::<usize>::new_with_span();
    emitter.naively_switch_states(true);
    let mut reader = Reader {
        page: Page {
            empty: true,
            ..Page::default()
        },
        ..Reader::default()
    };
    let mut lines = Lines {
        html: html.as_bytes(),
        offset: 0,
        line: 1,
    };
    for token in Tokenizer::new_with_emitter(html, emitter) {
        // Reading from a string cannot fail.
        let Ok(token) = token;
        match token {
            Token::StartTag(tag) => reader.start(&tag, lines.at(tag.span.start)),
            Token::EndTag(tag) => reader.end(&text(&tag.name)),
            Token::String(string) => reader.text(&text(&string)),
            _ => {}
        }
    }
    reader.page
}

#[derive(Default)]
struct Reader {
    page: Page,
    hidden: usize,
    /// Links in a template are filled in by scripts.
    templates: usize,
    script: bool,
}

impl Reader {
    fn start(&mut self, tag: &StartTag<usize>, line: usize) {
        let name = text(&tag.name);
        let attributes = Attributes(&tag.attributes);
        if self.templates == 0 {
            self.links(line, &name, &attributes);
            self.page.anchors.extend(attributes.get("id"));
            if name == "a" {
                self.page.anchors.extend(attributes.get("name"));
            }
            if name == "base" && self.page.base.is_none() {
                self.page.base = attributes.get("href");
            }
        }
        // A script may write the page; a block of data does not.
        let runs =
            |kind: &String| kind.is_empty() || kind == "module" || kind.contains("javascript");
        if name == "script" && attributes.get("type").as_ref().is_none_or(runs) {
            self.page.empty &= attributes.get("src").is_none();
            self.script = true;
        }
        if SHOWN.contains(&name.as_str()) && self.hidden == 0 {
            self.page.empty = false;
        }
        if !tag.self_closing {
            self.hidden += usize::from(HIDDEN.contains(&name.as_str()) || name == "script");
            self.templates += usize::from(name == "template");
        }
    }

    fn end(&mut self, name: &str) {
        if HIDDEN.contains(&name) || name == "script" {
            self.hidden = self.hidden.saturating_sub(1);
        }
        match name {
            "template" => self.templates = self.templates.saturating_sub(1),
            "script" => self.script = false,
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if (self.hidden == 0 || self.script) && !text.trim().is_empty() {
            self.page.empty = false;
        }
    }

    fn links(&mut self, line: usize, element: &str, attributes: &Attributes) {
        let mut add = |attribute: &'static str, url: String| {
            let element = element.to_owned();
            self.page.links.push(Link {
                line,
                element,
                attribute,
                url,
            });
        };
        let known = ADDRESSES.iter().find(|(name, _)| *name == element);
        for attribute in known.map_or(&[][..], |(_, attributes)| *attributes) {
            if let Some(url) = attributes.get(attribute) {
                add(attribute, url);
            }
        }
        for attribute in SETS {
            for url in attributes
                .get(attribute)
                .iter()
                .flat_map(|set| candidates(set))
            {
                add(attribute, url);
            }
        }
        let refresh = attributes
            .get("http-equiv")
            .is_some_and(|of| of.eq_ignore_ascii_case("refresh"));
        if element == "meta" && refresh {
            self.page.empty = false;
            let target = attributes
                .get("content")
                .and_then(|content| refresh_target(&content));
            target.into_iter().for_each(|url| add("content", url));
        }
    }
}

/// The addresses of a `srcset`: each is followed by blanks and a size, and
/// ends at a comma only when no size follows.
fn candidates(set: &str) -> Vec<String> {
    let mut urls = Vec::new();
    let mut rest = set.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
    while !rest.is_empty() {
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let (url, after) = rest.split_at(end);
        urls.push(url.trim_end_matches(',').to_owned());
        // Without a comma at its end, what follows is the candidate's size.
        let after = match url.ends_with(',') {
            true => after,
            false => after.split_once(',').map_or("", |(_, next)| next),
        };
        rest = after.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
    }
    urls
}

/// The address in `0; url=/new/`.
fn refresh_target(content: &str) -> Option<String> {
    let (_, rest) = content.split_once([';', ','])?;
    let rest = rest.trim_start();
    let url = match rest.get(..3) {
        Some(word) if word.eq_ignore_ascii_case("url") => {
            rest[3..].trim_start().strip_prefix('=')?.trim()
        }
        _ => rest.trim(),
    };
    Some(url.trim_matches(['"', '\'']).to_owned())
}

struct Attributes<'a>(&'a BTreeMap<HtmlString, Spanned<HtmlString, usize>>);

impl Attributes<'_> {
    fn get(&self, name: &str) -> Option<String> {
        self.0.get(name.as_bytes()).map(|value| text(&value.value))
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Counts lines up to offsets that only grow.
struct Lines<'a> {
    html: &'a [u8],
    offset: usize,
    line: usize,
}

impl Lines<'_> {
    fn at(&mut self, offset: usize) -> usize {
        let passed = self.html.get(self.offset..offset).unwrap_or_default();
        self.line += passed.iter().filter(|byte| **byte == b'\n').count();
        self.offset = self.offset.max(offset);
        self.line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(html: &str) -> Vec<String> {
        read(html).links.into_iter().map(|link| link.url).collect()
    }

    #[test]
    fn links_images_and_candidates_are_found_with_their_lines() {
        let page =
            read("<p>\n<a href='/a/'>a</a>\n<img src=b.png srcset='b-1.png 1x, b-2.png 2x'>");
        let found: Vec<_> = page
            .links
            .iter()
            .map(|l| (l.line, l.attribute, l.url.as_str()))
            .collect();
        assert_eq!(
            found,
            [
                (2, "href", "/a/"),
                (3, "src", "b.png"),
                (3, "srcset", "b-1.png"),
                (3, "srcset", "b-2.png"),
            ]
        );
    }

    #[test]
    fn a_srcset_may_hold_commas_in_an_address() {
        assert_eq!(candidates("a,b.png 1x,c.png"), ["a,b.png", "c.png"]);
        assert_eq!(candidates(" a.png , b.png 100w, "), ["a.png", "b.png"]);
        assert_eq!(candidates("a.png, b.png 2x"), ["a.png", "b.png"]);
        assert_eq!(candidates(""), Vec::<String>::new());
    }

    #[test]
    fn entities_are_decoded_and_comments_templates_and_scripts_left_out() {
        assert_eq!(urls("<a href='/?a=1&amp;b=2'>x</a>"), ["/?a=1&b=2"]);
        assert_eq!(
            urls(
                "<!-- <a href=no> --><template><a href=no></template><script>'<a href=no>'</script><a href=yes>"
            ),
            ["yes"]
        );
    }

    #[test]
    fn refreshes_and_svg_references_are_links() {
        assert_eq!(
            urls("<meta http-equiv=refresh content='0; URL=/new/'>"),
            ["/new/"]
        );
        assert_eq!(
            urls("<svg><use xlink:href='/i.svg#x'/><image href=p.png /></svg>"),
            ["/i.svg#x", "p.png"]
        );
    }

    #[test]
    fn anchors_are_ids_and_names() {
        let page = read("<h2 id=a>A</h2><a name=b></a><input name=c>");
        let mut anchors: Vec<_> = page.anchors.into_iter().collect();
        anchors.sort();
        assert_eq!(anchors, ["a", "b"]);
    }

    #[test]
    fn a_page_without_anything_to_see_is_empty() {
        for html in [
            "",
            "<!doctype html><title>Only a title</title>",
            "<html><head><style>a{}</style></head><body> \n <div></div></body></html>",
            "<script type='application/ld+json'>{}</script>",
            "<script></script>",
        ] {
            assert!(read(html).empty, "{html}");
        }
        for html in [
            "text",
            "<img src=a.png>",
            "<div id=app></div><script type=module src=/app.js></script>",
            "<div id=app></div><script>render()</script>",
            "<meta http-equiv=Refresh content='0;url=/x'>",
        ] {
            assert!(!read(html).empty, "{html}");
        }
    }
}
