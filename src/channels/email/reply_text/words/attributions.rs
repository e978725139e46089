//! "X wrote at Y", in the languages that people write to us in.

/// A line that says "X wrote at Y", which stands before a quotation.
pub(in super::super) struct Attribution {
    /// What it may begin with; empty where the name or date comes first.
    pub(in super::super) opens: &'static [&'static str],
    /// What it must hold.
    pub(in super::super) verb: &'static str,
    /// Whether the verb is its end (but for a colon and what belongs to the verb), or stands in the middle.
    pub(in super::super) verb_ends: bool,
}

const fn ends(opens: &'static [&'static str], verb: &'static str) -> Attribution {
    Attribution { opens, verb, verb_ends: true }
}

const fn holds(opens: &'static [&'static str], verb: &'static str) -> Attribution {
    Attribution { opens, verb, verb_ends: false }
}

pub(in super::super) const ATTRIBUTIONS: &[Attribution] = &[
    // zh-TW: Gmail, Apple Mail "X <a> 於 2026年1月2日 週五 下午3:04寫道："; Yahoo "X 在 … 寫道："; Outlook for Mac "於 …，X 寫道"
    ends(&[], "寫道"),
    ends(&[], "寫了"),
    ends(&[], "已寫"),
    ends(&[], "撰寫"),
    // zh-CN: Gmail "X <a> 于2026年1月2日周五 15:04写道：", Foxmail, NetEase "在 2026-01-02 15:04:05，"X" <a> 写道："
    ends(&[], "写道"),
    ends(&[], "写了"),
    // ja: Gmail "2026年1月2日(金) 15:04 X <a>:" has no verb (see DATED_ADDRESS); Apple Mail "…、Xのメール:"; Thunderbird "…は書きました"
    ends(&[], "のメール"),
    ends(&[], "書きました"),
    ends(&[], "書いた"),
    ends(&[], "書き込みました"),
    ends(&[], "wrote"),
    // ko
    ends(&[], "작성"),
    ends(&[], "썼습니다"),
    // en: Gmail, Apple Mail, Thunderbird "On DATE, X wrote:"; Outlook for Mac "On DATE, "X" <a> wrote:"
    holds(&["on "], " wrote"),
    holds(&["on "], " sent"),
    ends(&[], "writes"),
    ends(&[], "said"),
    // de: "Am DATE schrieb X <a>:"
    holds(&["am "], " schrieb"),
    // "X <a> schrieb am DATE um TIME Uhr:"
    holds(&[], " schrieb am "),
    holds(&[], " hat am "),
    ends(&[], "schrieb"),
    ends(&[], "geschrieben"),
    // fr: "Le DATE, X <a> a écrit :"
    holds(&["le "], " a écrit"),
    ends(&[], "a écrit"),
    ends(&[], "a ecrit"),
    // es: "El DATE, X (<a>) escribió:"
    holds(&["el "], " escribi"),
    ends(&[], "escribió"),
    // pt: "Em DATE, X <a> escreveu:"
    holds(&["em ", "no dia "], " escreveu"),
    ends(&[], "escreveu"),
    // it: "Il giorno DATE X <a> ha scritto:"
    holds(&["il "], " ha scritto"),
    ends(&[], "ha scritto"),
    // nl: "Op DATE schreef X <a>:"
    holds(&["op "], " schreef"),
    ends(&[], "schreef"),
    ends(&[], "geschreven"),
    // sv, da, nb: "Den DATE skrev X <a>:"
    holds(&["den ", "på ", "d. "], " skrev"),
    ends(&[], "skrev"),
    holds(&[], " skrev "),
    // fi: "pe 20. lokak. 2017 klo 17.50 X <a> kirjoitti:"
    ends(&[], "kirjoitti"),
    // pl: "W dniu DATE użytkownik X <a> napisał:"
    ends(&[], "napisał"),
    // Apple Mail "Wiadomość napisana przez X w dniu DATE:"
    holds(&["wiadomość napisana"], " w dniu "),
    ends(&[], "napisała"),
    ends(&[], "napisał(a)"),
    // cs, sk: "Dne DATE X <a> napsal(a):"
    ends(&[], "napsal(a)"),
    ends(&[], "napsal"),
    ends(&[], "napísal(a)"),
    // ru, uk: "1 января 2026 г. X <a> написал:", "пт, 2 янв. 2026 г. в 15:04, X <a>:" (see DATED_ADDRESS)
    ends(&[], "написал"),
    ends(&[], "написала"),
    ends(&[], "написал(а)"),
    ends(&[], "пишет"),
    ends(&[], "написав"),
    // ro: "În DATE, X <a> a scris:"
    ends(&[], "a scris"),
    // hu
    ends(&[], "ezt írta"),
    ends(&[], "írta"),
    // tr: "DATE tarihinde X <a> şunu yazdı:"
    ends(&[], "yazdı"),
    // el
    ends(&[], "έγραψε"),
    // vi: "Vào DATE X <a> đã viết:"
    ends(&[], "đã viết"),
    // id: "Pada DATE, X <a> menulis:"
    ends(&[], "menulis"),
    // th
    ends(&[], "เขียนว่า"),
    // he, ar: "בתאריך DATE מאת X <a>:" has no verb
    ends(&[], "כתב"),
    ends(&[], "כתב/ה"),
    ends(&[], "כתבה"),
    ends(&[], "كتب"),
    ends(&[], "كتب/ت"),
    holds(&["pe ", "ma ", "ti ", "ke ", "to ", "la ", "su "], " kirjoitti"),
    holds(&["în ", "pe ", "la "], " a scris"),
    holds(&["w dniu ", "dnia "], " napisa"),
    holds(&["dne "], " napsal"),
    holds(&["dňa "], " napísal"),
    holds(&["στις ", "την "], " έγραψε"),
    holds(&["vào "], " đã viết"),
    holds(&["pada "], " menulis"),
    holds(&["на ", "в "], " написа"),
    ends(&[], "escrigué"),
    ends(&[], "va escriure"),
    ends(&[], "skrifaði"),
    ends(&[], "のメッセージ"),
    ends(&[], "からのメール"),
    ends(&[], "님이 작성"),
    ends(&[], "님이 쓴 글"),
    ends(&[], "寫到"),
    ends(&[], "写到"),
    ends(&[], "撰写"),
    ends(&[], "寫"),
    // the name first, the date behind the verb: fi, hu, pt, tr, et, ro, cs
    holds(&[], " kirjoitti "),
    holds(&[], " ezt írta "),
    holds(&[], " írta "),
    holds(&[], " escreveu no dia "),
    holds(&[], " escreveu em "),
    holds(&[], " yazdı "),
    holds(&[], " kirjutas "),
    holds(&[], " napsal dne "),
    holds(&[], " wrote on "),
    holds(&[], " escribió el "),
    holds(&[], " a écrit le "),
    holds(&[], " ha scritto il "),
    holds(&[], " schreef op "),
    // hr, sr, sl, bg, lt, lv, et
    ends(&[], "piše"),
    ends(&[], "je napisala"),
    ends(&[], "написа(ла)"),
    ends(&[], "je napisao"),
    ends(&[], "je napisao/la"),
    ends(&[], "је написао"),
    ends(&[], "je napisal"),
    ends(&[], "написа"),
    ends(&[], "rašė"),
    ends(&[], "rakstīja"),
    ends(&[], "kirjutas"),
];
