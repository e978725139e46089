//! A mail's HTML as its writer laid it out, made harmless: for a page of its own that runs nothing and fetches nothing.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use ammonia::Builder;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::html;
use super::parse::Pictures;

/// Layout that old and new mail programs write as attributes.
const LAYOUT_ATTRIBUTES: [&str; 12] =
    ["style", "align", "valign", "bgcolor", "width", "height", "border", "cellpadding", "cellspacing", "color", "face", "dir"];
/// What a mail may say about its look; nothing that reaches out of its place or fetches.
const STYLES: [&str; 31] = [
    "color",
    "background-color",
    "font",
    "font-family",
    "font-size",
    "font-style",
    "font-weight",
    "line-height",
    "text-align",
    "text-decoration",
    "text-indent",
    "vertical-align",
    "white-space",
    "width",
    "max-width",
    "height",
    "margin",
    "margin-left",
    "margin-right",
    "margin-top",
    "margin-bottom",
    "padding",
    "padding-left",
    "padding-right",
    "padding-top",
    "padding-bottom",
    "border",
    "border-left",
    "border-bottom",
    "border-collapse",
    "list-style-type",
];

/// `body` without scripts, forms, style sheets, frames and pictures from elsewhere; those that came with the mail stand in it as
/// `data:`. Links open in a window of their own and do not say where they were followed. At most [`html::HTML_BYTES_MAX`] of
/// `body` are read, [`html::NESTING_MAX`] deep.
pub fn harmless(body: &str, pictures: &Pictures) -> String {
    let flat = html::flattened(body);
    let shown: HashMap<String, String> = pictures
        .iter()
        .map(|(id, picture)| (id.clone(), format!("data:{};base64,{}", picture.content_type, STANDARD.encode(&picture.bytes))))
        .collect();
    Builder::default()
        .add_tags(["font", "big", "tt"])
        .add_generic_attributes(LAYOUT_ATTRIBUTES)
        .filter_style_properties(HashSet::from(STYLES))
        .url_schemes(HashSet::from(["http", "https", "mailto", "tel", "line", "cid"]))
        .set_tag_attribute_value("a", "target", "_blank")
        .link_rel(Some("noopener noreferrer nofollow"))
        .attribute_filter(move |tag, attribute, value| match (tag, attribute) {
            (_, "src") => {
                let id = value.trim().strip_prefix("cid:").filter(|_| tag == "img")?;
                shown.get(id).map(|data| Cow::Owned(data.clone()))
            }
            _ => Some(Cow::Borrowed(value)),
        })
        .clean(&flat)
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::email::parse::Picture;

    #[test]
    fn tables_and_colours_stay_and_what_runs_or_fetches_goes() {
        let html = concat!(
            "<style>td{color:red}</style><script>alert(1)</script><table width=300 border=1 onclick=x()><tr>",
            "<td style='color:#c00;position:fixed;background:url(http://spy.example/)' align=right>單價</td></tr></table>",
            "<img src='http://spy.example/open.gif'><iframe src='http://x.example'></iframe><form action='http://x.example'><input></form>",
            "<a href='javascript:alert(1)'>壞</a><a href='https://shop.example/a'>好</a><svg onload=alert(1)></svg>",
        );
        let clean = harmless(html, &Pictures::new());
        for kept in ["<table", "width=\"300\"", "單價", "color:#c00", "align=\"right\"", "https://shop.example/a", "noreferrer"] {
            assert!(clean.contains(kept), "{kept}: {clean}");
        }
        for gone in ["script", "alert", "onclick", "onload", "spy.example", "iframe", "form", "position", "javascript", "td{"] {
            assert!(!clean.contains(gone), "{gone}: {clean}");
        }
    }

    #[test]
    fn pictures_that_came_with_it_stand_in_it() {
        let picture = Picture { content_type: "image/png", bytes: b"png".to_vec() };
        let pictures = Pictures::from([("logo@x".to_owned(), picture)]);
        let clean = harmless("<p><img src=\"cid:logo@x\" alt=L><img src='cid:other'><video src='cid:logo@x'></video></p>", &pictures);
        assert_eq!(clean.matches("data:image/png;base64,cG5n").count(), 1, "{clean}");
        assert!(!clean.contains("cid:"), "{clean}");
    }

    #[test]
    fn deep_nesting_is_flattened_before_it_costs_time() {
        let deep = format!("{}内{}", "<div>".repeat(60_000), "</div>".repeat(60_000));
        let clean = harmless(&deep, &Pictures::new());
        assert!(clean.contains('内') && clean.matches("<div>").count() <= html::NESTING_MAX, "{}", clean.len());
    }
}
