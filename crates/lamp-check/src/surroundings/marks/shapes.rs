//! The shapes of well-known secrets: what each begins with and what may follow.

/// A kind of secret that its text gives away.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) begins: &'static str,
    /// What it is, with its article.
    pub(super) kind: &'static str,
    pub(super) follows: Follows,
}

/// What stands behind the beginning.
#[derive(Debug, Clone, Copy)]
pub(super) enum Follows {
    /// Characters of this kind, so many at least and at most.
    Run(Alphabet, usize, usize),
    /// What is between two dots: 22 and 43 characters.
    TwoParts,
    /// `… PRIVATE KEY-----` and the key.
    Pem,
    /// A name's value: 32 characters, hexadecimal.
    NamedHex,
}

/// Which characters a secret is made of.
#[derive(Debug, Clone, Copy)]
pub(super) enum Alphabet {
    Upper,
    Hex,
    Word,
    /// Letters, digits, `_`.
    Snake,
    /// Letters, digits, `_`, `-`.
    Kebab,
    /// Letters, digits, `/`.
    Path,
}

impl Alphabet {
    pub(super) const fn has(self, byte: u8) -> bool {
        match self {
            Self::Upper => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            Self::Hex => byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'),
            Self::Word => byte.is_ascii_alphanumeric(),
            Self::Snake => byte.is_ascii_alphanumeric() || byte == b'_',
            Self::Kebab => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'),
            Self::Path => byte.is_ascii_alphanumeric() || byte == b'/',
        }
    }
}

const fn run(
    begins: &'static str,
    kind: &'static str,
    alphabet: Alphabet,
    least: usize,
    most: usize,
) -> Shape {
    let follows = Follows::Run(alphabet, least, most);
    Shape {
        begins,
        kind,
        follows,
    }
}

const fn named(begins: &'static str) -> Shape {
    Shape {
        begins,
        kind: "a routing key of PagerDuty",
        follows: Follows::NamedHex,
    }
}

/// Lengths and alphabets are those that each service documents or hands out.
pub(super) const SHAPES: &[Shape] = &[
    Shape {
        begins: "-----BEGIN ",
        kind: "a private key",
        follows: Follows::Pem,
    },
    run("AKIA", "an access key of AWS", Alphabet::Upper, 16, 16),
    run("ghp_", "a personal token of GitHub", Alphabet::Word, 36, 36),
    run("gho_", "a token of GitHub", Alphabet::Word, 36, 36),
    run("ghs_", "a token of GitHub", Alphabet::Word, 36, 36),
    run(
        "github_pat_",
        "a personal token of GitHub",
        Alphabet::Snake,
        82,
        82,
    ),
    run("glpat-", "a token of GitLab", Alphabet::Kebab, 20, 64),
    run("xoxb-", "a token of Slack", Alphabet::Kebab, 40, 90),
    run("xoxp-", "a token of Slack", Alphabet::Kebab, 40, 90),
    run(
        "hooks.slack.com/services/T",
        "an incoming webhook of Slack",
        Alphabet::Path,
        40,
        50,
    ),
    run("sk_live_", "a secret key of Stripe", Alphabet::Word, 24, 120),
    run("rk_live_", "a restricted key of Stripe", Alphabet::Word, 24, 120),
    Shape {
        begins: "SG.",
        kind: "a key of SendGrid",
        follows: Follows::TwoParts,
    },
    run("npm_", "a token of npm", Alphabet::Word, 36, 36),
    run("dop_v1_", "a token of DigitalOcean", Alphabet::Hex, 64, 64),
    run("shpat_", "a token of Shopify", Alphabet::Hex, 32, 32),
    run("sk-ant-api03-", "a key of Anthropic", Alphabet::Kebab, 80, 120),
    run("sk-proj-", "a key of OpenAI", Alphabet::Kebab, 40, 200),
    named("routing_key"),
    named("routingKey"),
    named("integration_key"),
];
