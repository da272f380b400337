<%@ include file="/WEB-INF/include/site.jspf" %>
<%@ include file="/WEB-INF/include/store.jspf" %><%
  allowMethods(request, response, "GET");
  requireAttempt(request, response);
  response.setHeader("Cache-Control", "no-store, no-cache, must-revalidate");
%>
<!DOCTYPE html>
<html lang="en">
<head>
<title>Calculator</title>
<link rel="stylesheet" type="text/css" href="/static/exam.css" />
<script type="text/javascript" src="/static/exam.js"></script>
</head>
<body id="calculator">
<input class="text" id="display" type="text" value="0" readonly="readonly" aria-label="Result" />
<div id="keys">
<% for (char key : "789/456*123-0.=+C".toCharArray()) { %>
<button type="button" value="<%= key %>"><%= key %></button>
<% } %>
</div>
</body>
</html>
