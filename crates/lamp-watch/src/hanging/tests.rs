//! Pages as Apache 2.4 and php-fpm 8.2 wrote them, shortened.

use super::*;

const APACHE: &str = r#"<table border="0"><tr><th>Srv</th><th>PID</th><th>Acc</th><th>M</th><th>CPU
</th><th>SS</th><th>Req</th><th>Dur</th><th>Conn</th><th>Child</th><th>Slot</th><th>Client</th><th>Protocol</th><th>VHost</th><th>Request</th></tr>

<tr><td><b>0-0</b></td><td>17</td><td>0/3/3</td><td>_
</td><td>0.00</td><td>4</td><td>0</td><td>0</td><td>0.0</td><td>0.00</td><td>0.00
</td><td>127.0.0.1</td><td>http/1.1</td><td nowrap>shop.example:80</td><td nowrap>GET / HTTP/1.1</td></tr>
<tr><td><b>1-0</b></td><td>18</td><td>0/2/2</td><td><b>W</b>
</td><td>9.31</td><td>31</td><td>0</td><td>0</td><td>0.0</td><td>0.00</td><td>0.00
</td><td>192.0.2.7</td><td>http/1.1</td><td nowrap>shop.example:80</td><td nowrap>GET /&lt;tr&gt;&lt;td&gt; HTTP/1.1</td></tr>
<tr><td><b>2-0</b></td><td>19</td><td>0/2/2</td><td><b>W</b>
</td><td>25</td><td>0</td><td>0</td><td>0.0</td><td>0.00</td><td>0.00
</td><td>192.0.2.7</td><td>http/1.1</td><td nowrap>shop.example:80</td><td nowrap>GET / HTTP/1.1</td></tr>
<tr><td><b>3-0</b></td><td>-</td><td>0/0/0</td><td>.
</td><td>0.00</td><td>99</td></tr>
"#;

const FPM: &[u8] = br#"{"pool":"www","processes":[
{"pid":7,"state":"Running","start time":1,"requests":2,"request duration":25000000,"request method":"GET"},
{"pid":8,"state":"Idle","start time":1,"requests":2,"request duration":99000000,"request method":"GET"}]}"#;

fn under_way(pid: i32, seconds: u64) -> UnderWay {
    UnderWay {
        pid,
        age: Duration::from_secs(seconds),
    }
}

#[test]
fn workers_at_a_request_and_since_when() {
    assert_eq!(
        under_way_in_apache(APACHE),
        [under_way(18, 31), under_way(19, 25)]
    );
    assert_eq!(under_way_in_fpm(FPM), [under_way(7, 25)]);
    for other in ["", "<tr><td>", "<html>404</html>"] {
        assert_eq!(under_way_in_apache(other), []);
        assert_eq!(under_way_in_fpm(other.as_bytes()), []);
    }
}

#[test]
fn enough_old_ones_are_trouble() {
    let old = under_way(1, AGE_MAX.as_secs());
    assert_eq!(judge(&[old, old, under_way(2, 1)]), None);
    let trouble = judge(&[old, under_way(2, 60), old, under_way(3, 1)]);
    assert_eq!(
        trouble,
        Some(Trouble::Hanging {
            requests: 3,
            age_ms: 20_000
        })
    );
}
