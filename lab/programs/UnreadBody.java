// The mistake of the incident: when was a file modified? The header is read, the body is left, and the connection is closed by
// whoever collects the object. UnreadBody SECONDS faulty|fixed URL...   A collection each 3 s (its log: -Xlog:gc).
import java.net.HttpURLConnection;
import java.net.URL;

public class UnreadBody {
    public static void main(String[] words) throws Exception {
        long end = System.currentTimeMillis() + 1000L * Integer.parseInt(words[0]);
        long collect = System.currentTimeMillis() + 3000;
        int turn = 0;
        while (System.currentTimeMillis() < end) {
            ask(words[2 + turn++ % (words.length - 2)], words[1].equals("fixed"));
            Thread.sleep(120 + (turn * 37) % 160);
            if (System.currentTimeMillis() > collect) {
                collect += 3000;
                System.gc();
                Thread.sleep(200);
            }
        }
        System.gc();
        Thread.sleep(500);
    }

    private static void ask(String url, boolean fixed) throws Exception {
        HttpURLConnection connection = (HttpURLConnection) new URL(url).openConnection();
        if (fixed) connection.setRequestMethod("HEAD");
        System.out.println(url + " " + connection.getLastModified());
        if (fixed) connection.disconnect();
    }
}
