// HTTP in front of a database through HikariCP, a thread a request: PoolApp PORT JDBC_URL MAX SLOW_SQL fixed|faulty
// Prints the pool's statistics twice a second, one JSON object a line.
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.net.InetSocketAddress;
import java.sql.Connection;
import java.sql.Statement;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;

public class PoolApp {
    public static void main(String[] words) throws Exception {
        boolean fixed = words[4].equals("fixed");
        HikariConfig config = new HikariConfig();
        config.setDriverClassName("org.mariadb.jdbc.Driver");
        config.setJdbcUrl(words[1]);
        config.setUsername("app");
        config.setMaximumPoolSize(Integer.parseInt(words[2]));
        // The fault: a request waits for the pool as long as HikariCP lets it, 30 s.
        config.setConnectionTimeout(fixed ? 800 : 30_000);
        HikariDataSource pool = new HikariDataSource(config);
        Semaphore room = new Semaphore(fixed ? 100 : Integer.MAX_VALUE);
        HttpServer server = HttpServer.create(new InetSocketAddress(Integer.parseInt(words[0])), 128);
        server.setExecutor(Executors.newCachedThreadPool());
        server.createContext("/query", exchange -> {
            if (!room.tryAcquire()) {
                answer(exchange, 503, "busy");
                return;
            }
            try (Connection connection = pool.getConnection(); Statement statement = connection.createStatement()) {
                statement.execute(words[3]);
                answer(exchange, 200, "done");
            } catch (java.sql.SQLException failure) {
                answer(exchange, 503, failure.getMessage());
            } finally {
                room.release();
            }
        });
        server.start();
        while (true) {
            Thread.sleep(500);
            var bean = pool.getHikariPoolMXBean();
            System.out.println("{\"max\":" + words[2] + ",\"open\":" + bean.getTotalConnections() + ",\"inUse\":" + bean.getActiveConnections()
                + ",\"idle\":" + bean.getIdleConnections() + ",\"waiting\":" + bean.getThreadsAwaitingConnection() + "}");
        }
    }

    private static void answer(HttpExchange exchange, int status, String text) throws java.io.IOException {
        byte[] octets = (text + "\n").getBytes();
        exchange.sendResponseHeaders(status, octets.length);
        exchange.getResponseBody().write(octets);
        exchange.close();
    }
}
